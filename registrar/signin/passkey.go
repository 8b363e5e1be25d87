package signin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkeys speaks WebAuthn for one origin: it asks devices for keys and for proofs
// of them, and the device must have checked who uses it, by whatever biometric or
// PIN it has (REG-06, REG-07). Attestation is not asked for: it would tell makes of
// devices apart, and nothing here depends on them.
type Passkeys struct{ web *webauthn.WebAuthn }

// Key is what is kept of a passkey. None of it is secret.
type Key struct {
	ID             []byte // as the device names it
	Public         []byte // COSE
	BackupEligible bool   // whether it can be copied between devices; it never changes
	SignCount      uint32
}

// The bounds of what a device sends.
const (
	mostKeyID    = 1023 // WebAuthn level 2 section 5.8.3
	mostPublic   = 4 << 10
	mostResponse = 32 << 10
	handleLength = 16
)

// The errors of a passkey.
var (
	// ErrPasskey says that a device's answer does not prove what it should.
	ErrPasskey = errors.New("signin: the device's answer is not one to this question")
	// ErrCopied says that a key's counter went back: another device has the same.
	ErrCopied = errors.New("signin: the key has been used elsewhere since")
)

// NewPasskeys makes one for the origin that serves the pages. The title is what
// devices show beside the key.
func NewPasskeys(origin, title string) (*Passkeys, error) {
	at, err := url.Parse(origin)
	if err != nil || at.Host == "" {
		return nil, fmt.Errorf("signin: passkeys need an origin such as https://hub.example, not %q", origin)
	}
	required := true
	web, err := webauthn.New(&webauthn.Config{
		RPID: at.Hostname(), RPDisplayName: title, RPOrigins: []string{at.Scheme + "://" + at.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: &required, ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired,
		},
		// A browser extension that adds outputs of its own must not lock anybody out.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("signin: passkeys cannot be served at %s (an address in numbers is none): %w", origin, err)
	}
	return &Passkeys{web}, nil
}

// owner is an account to the library: a handle that says nothing of the subject.
type owner struct {
	handle []byte
	keys   []Key
}

func (o owner) WebAuthnID() []byte          { return o.handle }
func (o owner) WebAuthnName() string        { return "Sign in" }
func (o owner) WebAuthnDisplayName() string { return "Sign in" }

func (o owner) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(o.keys))
	for i, k := range o.keys {
		all[i] = webauthn.Credential{
			ID: k.ID, PublicKey: k.Public, Flags: webauthn.CredentialFlags{BackupEligible: k.BackupEligible, UserVerified: true},
			Authenticator: webauthn.Authenticator{SignCount: k.SignCount},
		}
	}
	return all
}

// AskForKey begins to make a passkey for the account: options are for the browser,
// state is to be kept, and forgotten after its first use. Those that the account has
// are named, so that no device makes a second.
func (p *Passkeys) AskForKey(account [handleLength]byte, have []Key) (options, state []byte, err error) {
	var known []protocol.CredentialDescriptor
	for _, k := range have {
		known = append(known, protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: k.ID})
	}
	creation, session, err := p.web.BeginRegistration(owner{handle: account[:]}, webauthn.WithExclusions(known))
	if err != nil {
		return nil, nil, err
	}
	return both(creation.Response, session)
}

// AcceptKey ends it: the key that the device made, or ErrPasskey.
func (p *Passkeys) AcceptKey(account [handleLength]byte, state, response []byte) (Key, error) {
	session, err := sessionOf(state, response)
	if err != nil {
		return Key{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Key{}, ErrPasskey
	}
	made, err := p.web.CreateCredential(owner{handle: account[:]}, session, parsed)
	if err != nil || len(made.ID) > mostKeyID || len(made.PublicKey) > mostPublic {
		return Key{}, ErrPasskey
	}
	return Key{ID: made.ID, Public: made.PublicKey, BackupEligible: made.Flags.BackupEligible, SignCount: made.Authenticator.SignCount}, nil
}

// AskForProof begins a sign-in: whoever has a passkey of this site may answer, so
// that nobody is told whether an account has one.
func (p *Passkeys) AskForProof() (options, state []byte, err error) {
	assertion, session, err := p.web.BeginDiscoverableLogin()
	if err != nil {
		return nil, nil, err
	}
	return both(assertion.Response, session)
}

// AcceptProof ends it: which key, with its new counter, or ErrPasskey, or ErrCopied.
// find returns the keys in force of the account that the device names.
func (p *Passkeys) AcceptProof(state, response []byte, find func(account [handleLength]byte) ([]Key, error)) (Key, error) {
	session, err := sessionOf(state, response)
	if err != nil {
		return Key{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return Key{}, ErrPasskey
	}
	var failed error
	used, err := p.web.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		if len(handle) != handleLength {
			return nil, ErrPasskey
		}
		keys, err := find([handleLength]byte(handle))
		failed = err
		return owner{handle: handle, keys: keys}, err
	}, session, parsed)
	switch {
	case failed != nil:
		return Key{}, failed
	case err != nil:
		return Key{}, ErrPasskey
	case used.Authenticator.CloneWarning:
		return Key{ID: used.ID}, ErrCopied
	}
	return Key{ID: used.ID, Public: used.PublicKey, BackupEligible: used.Flags.BackupEligible, SignCount: used.Authenticator.SignCount}, nil
}

func both(options, session any) (forBrowser, state []byte, err error) {
	if forBrowser, err = json.Marshal(options); err != nil {
		return nil, nil, err
	}
	state, err = json.Marshal(session)
	return forBrowser, state, err
}

func sessionOf(state, response []byte) (webauthn.SessionData, error) {
	var s webauthn.SessionData
	if len(state) == 0 || len(response) > mostResponse || bytes.IndexByte(response, 0) >= 0 {
		return s, ErrPasskey
	}
	if err := json.Unmarshal(state, &s); err != nil {
		return s, ErrPasskey
	}
	return s, nil
}
