package attest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // case-sensitive, and refuses repeated members
)

// What goes along an axle (docs/decisions/0084): a practitioner's agency signs a
// Question for one hub; relmgr orders its own federation duty to send it; that one signs
// a Message as the hub, and Seals it to the other hub. There, federation vouches to its
// own relmgr for the keys that the message verifies with.
const (
	TypAxleQuestion = "fame-axle-question+jwt"
	TypAxleLookUp   = "fame-axle-look-up+jwt"
	TypAxleOrder    = "fame-axle-order+jwt"
	TypAxleMessage  = "fame-axle-message+jwt"
	TypAxleVoucher  = "fame-axle-voucher+jwt"
	TypAxleAnswer   = "fame-axle-answer+jwt"
	// AxleLife is the most that any of them lives.
	AxleLife = 2 * time.Minute
)

// AxleQuestion is one question of one practitioner for one hub, signed by the agency.
// ID serves once. Who exactly asks stays with the hub that asks, under that id.
type AxleQuestion struct {
	Claims
	Agency      ident.Agency `json:"agency"`
	AgencyName  string       `json:"agency_name"`
	Role        string       `json:"role"`
	Power       string       `json:"power"` // on which the asker's own side decided that it may ask
	Purpose     string       `json:"purpose"`
	Reason      string       `json:"reason"`
	Concerning  string       `json:"concerning"`
	Transaction string       `json:"transaction,omitempty"`
	Emergency   bool         `json:"emergency"`
	Scheme      string       `json:"scheme,omitempty"`
	Identifier  string       `json:"identifier,omitempty"` // none of a private look-up
	// Ties name the person by references that both hubs know, in place of scheme and identifier.
	Ties []string `json:"ties,omitempty"`
	// Recognition names them by a registrar's word to the other hub.
	Recognition string `json:"recognition,omitempty"`
}

// MostTies is how many a question names.
const MostTies = 8

func (q AxleQuestion) complete() bool {
	return q.ID != "" && q.Agency != "" && q.Role != "" && q.Purpose != "" && q.Reason != "" && q.Concerning != "" && q.ways() == 1 && len(q.Ties) <= MostTies
}

// ways is in how many ways the question names the person.
func (q AxleQuestion) ways() (n int) {
	for _, way := range []bool{q.Scheme != "", len(q.Ties) > 0, q.Recognition != ""} {
		if way {
			n++
		}
	}
	return n
}

// AxleOrder is relmgr's word to its own federation duty that a practitioner, the
// Subject, may have the question sent, and with which keys it verifies.
type AxleOrder struct {
	Claims
	Hub      string             `json:"hub"`
	Agency   ident.Agency       `json:"agency"`
	Scheme   string             `json:"scheme,omitempty"` // none of a question that goes along ties alone
	Keys     stdjson.RawMessage `json:"keys"`             // JWKS
	Question string             `json:"question,omitempty"`
	// Tied is a question that names the person by ties. It goes beside the other, where there
	// is one: the two answers are one to the asker.
	Tied string `json:"tied,omitempty"`
	// LookUp has the hub asked privately about the identifier first, on that question,
	// which names nobody. Question is then sent where it is known; none: nothing is.
	LookUp *AxleLookUp `json:"look_up,omitempty"`
}

// AxleLookUp is a private look-up that relmgr orders.
type AxleLookUp struct {
	Question   string `json:"question"` // of the type TypAxleLookUp
	Scheme     string `json:"scheme"`
	Identifier string `json:"identifier"`
}

// AxleStep is one step of a private look-up: something blinded to be evaluated, or a
// prefix and a page of its bucket.
type AxleStep struct {
	Epoch   int    `json:"epoch"`
	Blinded []byte `json:"blinded,omitempty"`
	Prefix  uint32 `json:"prefix"`
	Page    int    `json:"page"`
}

// AxleMessage is what one hub says to another. Of a kind or version that the other does
// not know it goes to recourse (FED-05). ID serves once.
type AxleMessage struct {
	Claims
	Kind     string             `json:"kind"`
	Version  int                `json:"version"`
	Keys     stdjson.RawMessage `json:"keys,omitempty"` // of the agency that signed the question
	Question string             `json:"question,omitempty"`

	LookUp     *AxleStep       `json:"look_up,omitempty"`
	Escalation *AxleEscalation `json:"escalation,omitempty"`
	Dispute    *AxleDispute    `json:"dispute,omitempty"`
	Letter     *AxleLetter     `json:"letter,omitempty"`
	Relay      *AxleRelay      `json:"relay,omitempty"`
}

// AxleLetter is what one duty of a hub has to tell the same duty of another. The federation
// duties carry it until it is taken, and read nothing in it.
type AxleLetter struct {
	Duty string `json:"duty"`
	ID   string `json:"id"`
	Body string `json:"body"`
}

// AxleRelay asks a hub to pass on what comes beside the message, which is sealed for
// another hub and stays so (docs/decisions/0105).
type AxleRelay struct {
	Path    []string `json:"path"`    // the hubs that are still to have it, the one that it is for last; none: it is for this one
	Hops    int      `json:"hops"`    // how many have had it, this one included
	Carried string   `json:"carried"` // SHA-256 of what is passed on, base64url
}

// AxleDispute files a dispute between two hubs or, with an outcome, ends one that the
// hub it goes to has filed (TRU-10). It says nothing of a person.
type AxleDispute struct {
	Dispute string `json:"dispute"` // its id, drawn by the hub that files it
	About   string `json:"about,omitempty"`
	Message string `json:"message,omitempty"` // SHA-256 of the message that it is about, in hexadecimal
	Reason  string `json:"reason"`
	At      int64  `json:"at,omitempty"`
	Outcome string `json:"outcome,omitempty"`
}

// AxleEscalation says that a hub was sent what it did not understand, and nothing of what
// that held (FED-06).
type AxleEscalation struct {
	Case    string `json:"case"`   // drawn by Origin
	Origin  string `json:"origin"` // that did not understand it
	From    string `json:"from"`   // that had sent it
	Kind    string `json:"kind"`
	Version int    `json:"version"`
	Hash    string `json:"hash"` // SHA-256 of the message, in hexadecimal
	Hops    int    `json:"hops"`
	Due     int64  `json:"due"`
}

// AxleVoucher is federation's word to its own relmgr that a hub is a peer in good
// standing now, and with which keys the message of that hash verifies.
type AxleVoucher struct {
	Claims
	Hub     string             `json:"hub"`
	Keys    stdjson.RawMessage `json:"keys"` // JWKS
	Message string             `json:"message"`
	// Purposes and Roles are what the hubs have agreed: nothing else crosses.
	Purposes []string `json:"purposes"`
	Roles    []string `json:"roles"`
}

// VerifyVoucher returns the federation duty's word to the duty that audience names, and
// whether it is for what was brought with it.
func (v *Verifier) VerifyVoucher(ctx context.Context, token, audience, what string) (out AxleVoucher, isFor bool, err error) {
	err = v.Verify(ctx, token, Expect{Typ: TypAxleVoucher, Audience: audience, MaxLifetime: AxleLife}, &out)
	sum := sha256.Sum256([]byte(what))
	return out, err == nil && out.Message == base64.RawURLEncoding.EncodeToString(sum[:]), err
}

// VerifyVouched returns the message of the hub that the voucher names, for the hub audience.
func VerifyVouched(ctx context.Context, voucher AxleVoucher, message, audience string, now func() time.Time) (m AxleMessage, err error) {
	keys, err := ParseKeySet(voucher.Keys)
	if err != nil {
		return m, err
	}
	err = NewVerifier(voucher.Hub, keys.Fixed, now).Verify(ctx, message, Expect{Typ: TypAxleMessage, Audience: audience, MaxLifetime: AxleLife}, &m)
	return m, err
}

// VerifyQuestion returns the question that token carries for the hub audience, or an
// error as Verify does. Whether its id was used, and what its codes mean, is the
// caller's to check.
func (v *Verifier) VerifyQuestion(ctx context.Context, token, audience string) (q AxleQuestion, err error) {
	return v.question(ctx, token, TypAxleQuestion, audience)
}

// VerifyLookUp is VerifyQuestion of a private look-up, which names nobody.
func (v *Verifier) VerifyLookUp(ctx context.Context, token, audience string) (AxleQuestion, error) {
	return v.question(ctx, token, TypAxleLookUp, audience)
}

func (v *Verifier) question(ctx context.Context, token, typ, audience string) (q AxleQuestion, err error) {
	if err = v.Verify(ctx, token, Expect{typ, audience, AxleLife}, &q); err == nil && (!q.complete() || (typ != TypAxleLookUp && q.Scheme != "") != (q.Identifier != "") || typ == TypAxleLookUp && q.Scheme == "") {
		err = refused("the question lacks a claim, or has one too many")
	}
	return q, err
}

// sealedSize is how many bytes every sealed message has before it is encrypted, so that
// its size tells nothing.
const (
	sealedSize  = MaxSize
	maxEnvelope = 2 * MaxSize
)

// Seal returns a compact JWE of a signed message, padded to the one size that all have.
func (r Recipients) Seal(signed string) (string, error) {
	if len(r.keys) == 0 || len(signed) > sealedSize {
		return "", errors.New("attest: not encrypted: give a recipient, and a message of 8 KiB at the most")
	}
	plain := bytes.Repeat([]byte(" "), sealedSize)
	copy(plain, signed)
	kid, err := thumbprint(r.keys[0])
	if err != nil {
		return "", err
	}
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: r.keys[0], KeyID: kid}, nil)
	if err != nil {
		return "", fmt.Errorf("attest: not encrypted: %w", err)
	}
	jwe, err := e.Encrypt(plain)
	if err != nil {
		return "", fmt.Errorf("attest: not encrypted: %w", err)
	}
	return jwe.CompactSerialize()
}

// Unseal returns the signed message of what Seal made. Of whom it is, and whether it
// verifies, it does not know. All else gives ErrStatement.
func (o *Opener) Unseal(ctx context.Context, jwe string) (string, error) {
	plain, err := o.open(ctx, jwe, maxEnvelope)
	if err != nil {
		return "", err
	}
	if len(plain) != sealedSize {
		return "", refused("the message is not of the size that all have")
	}
	return string(bytes.TrimRight(plain, " ")), nil
}

// Claimed returns who a statement says that it is from, and its type, before anything
// of it is verified: to look up the keys that it must verify with.
func Claimed(token string) (issuer, typ string, err error) {
	parts := bytes.Split([]byte(token), []byte("."))
	if len(token) > MaxSize || len(parts) != 3 {
		return "", "", refused("not a compact JWS")
	}
	var header, claims map[string]any
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(string(parts[i]))
		if err != nil || json.Unmarshal(raw, into) != nil {
			return "", "", refused("not a compact JWS of JSON objects")
		}
	}
	issuer, _ = claims["iss"].(string)
	typ, _ = header["typ"].(string)
	return issuer, typ, nil
}
