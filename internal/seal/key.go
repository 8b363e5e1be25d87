package seal

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/fame-hub/fame/internal/ident"
)

// KeyID names one key, for example "column/gp-riverside/1",
// "agency/gp-practice/1", "duty/relmgr/records" or "sign/relmgr": two to six
// segments of letters, digits, '.', '_' and '-', joined by '/', at most 200
// bytes. An id names one key for ever: after Destroy it is not used again, so
// what rotates carries an epoch as its last segment.
type KeyID string

// ColumnKey names the token key of a column in an epoch.
func ColumnKey(column ident.Column, epoch int) KeyID {
	return KeyID("column/" + string(column) + "/" + strconv.Itoa(epoch))
}

// AgencyKey names the wrapping key of an agency in an epoch.
func AgencyKey(agency ident.Agency, epoch int) KeyID {
	return KeyID("agency/" + string(agency) + "/" + strconv.Itoa(epoch))
}

func (id KeyID) valid() bool {
	if len(id) > 200 {
		return false
	}
	segments, length := 1, 0
	for _, c := range []byte(id) {
		switch {
		case c == '/':
			if length == 0 {
				return false
			}
			segments, length = segments+1, 0
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
			length++
		default:
			return false
		}
	}
	return length > 0 && 2 <= segments && segments <= 6
}

// KeyKind says what a key is for. A key serves its own kind only.
type KeyKind string

// The kinds.
const (
	KindMAC  KeyKind = "mac"  // HMAC-SHA-256, 32 bytes
	KindWrap KeyKind = "wrap" // AES-256-GCM over data keys
	KindSign KeyKind = "sign" // ECDSA over P-256, for ES256
	KindNote KeyKind = "note" // Ed25519, for signed notes (C2SP signed-note)
	// KindAgree is ECDH over P-256: what others encrypt to (ECDH-ES).
	KindAgree KeyKind = "agree"
)

func (k KeyKind) valid() bool {
	return k == KindMAC || k == KindWrap || k == KindSign || k == KindNote || k == KindAgree
}

// hidden is 32 secret bytes inside a closure. A mask alone would not do: fmt
// does not call the methods of an unexported field, and follows a pointer where
// the verb does not fit it; a func it can only print the address of.
type hidden func() *[32]byte

func hide(secret [32]byte) hidden { return func() *[32]byte { return &secret } }

// masked is embedded by every type that holds a secret.
type masked struct{}

const mask = "[secret]"

// Format writes a mask, whatever the verb.
func (masked) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, mask) }

// String returns a mask.
func (masked) String() string { return mask }

// LogValue returns a mask.
func (masked) LogValue() slog.Value { return slog.StringValue(mask) }
