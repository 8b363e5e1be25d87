// A relying party made of panva's openid-client, which shares nothing with the
// provider. It reads one JSON line per step and writes one back:
//   {do: "begin", parameters}   → {url}: where the browser is to go
//   {do: "finish", url}         → {claims, userinfo}, once the browser has come back
//   {do: "replay", url}         → {error}: the code a second time
//   {do: "leave", parameters}   → {url}
// arguments: issuer client_id redirect_uri jwks-file
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import * as client from 'openid-client';
import { importJWK } from 'jose';

const [issuer, clientID, redirectURI, file] = process.argv.slice(2);
const jwk = JSON.parse(readFileSync(file, 'utf8')).keys[0];
const key = { key: await importJWK(jwk, 'ES256'), kid: jwk.kid };
const config = await client.discovery(new URL(issuer), clientID, {}, client.PrivateKeyJwt(key), {
  execute: [client.allowInsecureRequests],
});

let verifier, nonce, state, idToken, maxAge;

async function step(order) {
  switch (order.do) {
    case 'begin': {
      verifier = client.randomPKCECodeVerifier();
      nonce = client.randomNonce();
      state = client.randomState();
      maxAge = order.parameters?.max_age;
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectURI, scope: 'openid', nonce, state,
        code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...order.parameters,
      });
      return { url: url.href, metadata: config.serverMetadata() };
    }
    case 'finish':
    case 'replay': {
      const tokens = await client.authorizationCodeGrant(config, new URL(order.url), {
        pkceCodeVerifier: order.verifier ?? verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true,
        maxAge: maxAge === undefined ? undefined : Number(maxAge),
      });
      idToken = tokens.id_token;
      const claims = tokens.claims();
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
      return { claims, userinfo, access_token: tokens.access_token, id_token: tokens.id_token };
    }
    case 'leave':
      return { url: client.buildEndSessionUrl(config, { id_token_hint: idToken, ...order.parameters }).href };
  }
  throw new Error('no such step');
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await step(JSON.parse(line));
  } catch (err) {
    answer = { error: err.error ?? err.code ?? err.message, description: err.error_description ?? String(err.cause ?? err.message) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
