package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
)

// MaxPlaintext is the most that one sealed value may hold.
const MaxPlaintext = 64 << 10

const (
	sealVersion  = 1
	sealOverhead = 1 + 12 + 16 // version, nonce, tag
	valueBucket  = 32          // an identifier of up to 31 bytes shows no length
	recordBucket = 256         // nor does a record show whether it has a note

	sealDomain = "fame/seal/1\x00"
	wrapDomain = "fame/wrap/1\x00"
)

// DEK is a data key: it seals one value, or the few versions of one value.
// The zero DEK seals nothing. It prints as a mask and marshals to nothing.
type DEK struct {
	masked
	key hidden
}

// NewDEK draws a data key.
func NewDEK() DEK {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails: crypto/rand ends the process instead
	return DEK{key: hide(secret)}
}

// IsZero reports whether the data key is none.
func (d DEK) IsZero() bool { return d.key == nil }

// Seal encrypts plaintext with AES-256-GCM under a random nonce. The aad names
// the place that the value belongs to, such as a handle, and must not be empty;
// Open needs the same. The length of the result tells the plaintext's only to
// the next multiple of 32 bytes.
func Seal(dek DEK, aad, plaintext []byte) ([]byte, error) {
	return sealPadded(dek, aad, plaintext, valueBucket)
}

func sealPadded(dek DEK, aad, plaintext []byte, bucket int) ([]byte, error) {
	if dek.IsZero() || len(aad) == 0 || len(plaintext) > MaxPlaintext {
		return nil, ErrUsage
	}
	padded := make([]byte, (len(plaintext)/bucket+1)*bucket)
	padded[copy(padded, plaintext)] = 0x80
	out := make([]byte, 1, sealOverhead+len(padded))
	out[0] = sealVersion
	return newAEAD(dek.key()).Seal(out, nil, padded, joined(sealDomain, aad)), nil
}

// Open returns what Seal encrypted under the same data key and aad, and
// ErrOpen for anything else.
func Open(dek DEK, aad, sealed []byte) ([]byte, error) {
	if dek.IsZero() || len(aad) == 0 {
		return nil, ErrUsage
	}
	if len(sealed) < sealOverhead+1 || len(sealed) > sealOverhead+MaxPlaintext+recordBucket || sealed[0] != sealVersion {
		return nil, ErrOpen
	}
	padded, err := newAEAD(dek.key()).Open(nil, nil, sealed[1:], joined(sealDomain, aad))
	if err != nil {
		return nil, ErrOpen
	}
	end := len(padded) - 1
	for end >= 0 && padded[end] == 0 {
		end--
	}
	if end < 0 || padded[end] != 0x80 {
		return nil, ErrOpen
	}
	return padded[:end], nil
}

// newAEAD panics on nothing that a caller can send: the key has 32 bytes.
func newAEAD(key *[32]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// joined is a domain label followed by parts, each behind its length.
func joined(domain string, parts ...[]byte) []byte {
	n := len(domain)
	for _, p := range parts {
		n += 8 + len(p)
	}
	b := append(make([]byte, 0, n), domain...)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}
