package spoken

import (
	"crypto/rand"
	"strings"
)

// alphabet is Crockford's base 32: no I, L, O or U, so that a code survives the
// telephone.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// size is the random characters of a code: 40 bits.
const size = 8

// Code is eight random characters and a check character.
type Code string

// NewCode draws a code.
func NewCode() Code {
	var b [size]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return Code(append(b[:], checkCharacter(b[:])))
}

// Grouped is the code in groups of three, as it is read out.
func (c Code) Grouped() string { return string(c[:3] + " " + c[3:6] + " " + c[6:]) }

// heard reads a code as it was heard: spaces and dashes do not matter, and the
// letters that the alphabet lacks mean the digits they look like.
var heard = strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1")

// ParseCode reads what somebody heard, in either case; false for what was misheard.
func ParseCode(text string) (Code, bool) {
	c := heard.Replace(strings.ToUpper(text))
	if len(c) != size+1 || strings.Trim(c, alphabet) != "" || checkCharacter([]byte(c[:size])) != c[size] {
		return "", false
	}
	return Code(c), true
}

// checkCharacter is Luhn's algorithm modulo 32: it finds every wrong character
// and nearly every swap of neighbours.
func checkCharacter(body []byte) byte {
	sum, factor := 0, 2
	for i := len(body) - 1; i >= 0; i-- {
		n := strings.IndexByte(alphabet, body[i]) * factor
		sum += n/32 + n%32
		factor = 3 - factor
	}
	return alphabet[(32-sum%32)%32]
}
