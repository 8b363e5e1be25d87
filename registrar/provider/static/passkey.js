// Passkeys. A form with data-passkey says what to ask the device for; what the device
// answers goes into the form, and the form is sent as any other. Without this script,
// or without passkeys in the browser, the parts that need them stay hidden.
(() => {
  'use strict';
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const named = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));

  async function ask(kind, o) {
    o.challenge = bytes(o.challenge);
    if (kind === 'create') {
      o.user.id = bytes(o.user.id);
      o.excludeCredentials = named(o.excludeCredentials);
      const made = await navigator.credentials.create({ publicKey: o });
      return {
        id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
        response: { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) },
      };
    }
    o.allowCredentials = named(o.allowCredentials);
    const proof = await navigator.credentials.get({ publicKey: o });
    const r = proof.response;
    return {
      id: proof.id, rawId: text(proof.rawId), type: proof.type, clientExtensionResults: {},
      response: {
        clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature),
        userHandle: r.userHandle ? text(r.userHandle) : null,
      },
    };
  }

  for (const part of document.querySelectorAll('[data-needs-passkeys]')) part.hidden = false;
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.addEventListener('submit', async (event) => {
      if (form.elements.answer.value) return;
      event.preventDefault();
      const status = form.querySelector('[role=status]');
      status.textContent = 'Follow what your device asks.';
      try {
        form.elements.answer.value = JSON.stringify(await ask(form.dataset.kind, JSON.parse(form.dataset.passkey)));
        form.submit();
      } catch {
        status.textContent = 'Your device did not do it. You can try again, or use another way.';
      }
    });
  }
})();
