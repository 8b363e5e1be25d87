package signin

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/fame-hub/fame/internal/seal"
)

// NamesKey is the KindMAC key under which what a person types to be found, a
// sign-in number or an enrolment code, is looked up. The database holds the hash
// alone.
const NamesKey seal.KeyID = "duty/registrar/sign-in"

// Number is what a person types to say which account is theirs: twelve digits, the
// last a check digit (ISO 7064, MOD 11-10 would need no letter either; Luhn's is
// the one that people's software knows). It is drawn, tells nothing of anybody, and
// goes to nobody but the person.
type Number string

// NewNumber draws a number.
func NewNumber() Number {
	n, _ := rand.Int(rand.Reader, big.NewInt(9e10)) // never fails, as in crypto/rand
	digits := []byte(n.Add(n, big.NewInt(1e10)).String())
	return Number(append(digits, luhn(digits)))
}

// ParseNumber reads what somebody typed, with spaces and hyphens where they like. A
// slip of one digit, or of two neighbours, is told from a number.
func ParseNumber(typed string) (Number, bool) {
	digits, ok := onlyDigits(typed, 12)
	if !ok || luhn(digits[:11]) != digits[11] {
		return "", false
	}
	return Number(digits), true
}

// Grouped is the number as it is shown and spoken: 4821 0937 5526.
func (n Number) Grouped() string {
	if len(n) != 12 {
		return ""
	}
	return string(n[:4] + " " + n[4:8] + " " + n[8:])
}

// Token is what a number is looked up by.
func (n Number) Token(ctx context.Context, keys seal.Provider) ([32]byte, error) {
	return keys.MAC(ctx, NamesKey, []byte("fame/sign-in-number/1\x00"+string(n)))
}

// luhn is the digit that makes digits a number by Luhn's rule.
func luhn(digits []byte) byte {
	sum := 0
	for i, d := range digits {
		v := int(d - '0')
		if (len(digits)-i)%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return byte('0' + (10-sum%10)%10)
}

// onlyDigits drops spaces and hyphens, and wants n digits.
func onlyDigits(typed string, n int) ([]byte, bool) {
	digits := make([]byte, 0, n)
	for _, c := range []byte(typed) {
		switch {
		case c == ' ' || c == '-':
		case c < '0' || c > '9' || len(digits) == n:
			return nil, false
		default:
			digits = append(digits, c)
		}
	}
	return digits, len(digits) == n
}

// Code is an enrolment code: what a person is handed, or told, so that they can
// make an authenticator of their own. Ten characters of an alphabet that can be
// spoken, fifty bits: nobody guesses one in the minutes that it lives. A letter
// that is taken for a digit is that digit.
type Code string

const (
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's base 32: no I, L, O, U
	codeLength   = 10
)

// NewCode draws a code.
func NewCode() Code {
	var b [codeLength]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = codeAlphabet[b[i]&31]
	}
	return Code(b[:])
}

// ParseCode reads what somebody typed.
func ParseCode(typed string) (Code, bool) {
	var b strings.Builder
	for _, c := range []byte(strings.ToUpper(typed)) {
		switch c {
		case ' ', '-':
			continue
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if strings.IndexByte(codeAlphabet, c) < 0 || b.Len() == codeLength {
			return "", false
		}
		b.WriteByte(c)
	}
	return Code(b.String()), b.Len() == codeLength
}

// Grouped is the code as it is shown and spoken: 7KQ4N-M2XW9.
func (c Code) Grouped() string {
	if len(c) != codeLength {
		return ""
	}
	return string(c[:5] + "-" + c[5:])
}

// Token is what a code is looked up by.
func (c Code) Token(ctx context.Context, keys seal.Provider) ([32]byte, error) {
	return keys.MAC(ctx, NamesKey, []byte("fame/enrolment-code/1\x00"+string(c)))
}
