package api

import (
	"strings"
	"unicode/utf8"
)

// harm is why a character may stand in no value, empty for the others.
//
// Control characters cannot be seen and NUL cannot be stored; characters that
// turn the direction of writing make a value read as another one (Trojan
// Source, CVE-2021-42574). An identifier that a person cannot tell from
// another by eye has no place in an index.
func harm(r rune) string {
	switch {
	case r < 0x20, r == 0x7f, r >= 0x80 && r <= 0x9f:
		return "a control character"
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return "a character that changes the direction of writing"
	}
	return ""
}

// Harm says why a text may stand in no value, empty for one that may: what an
// Edge refuses, and a byte order mark in its midst, which nobody sees.
func Harm(s string) string {
	if strings.ContainsRune(s, 0xfeff) {
		return "a character that cannot be seen"
	}
	return harmIn(s)
}

// harmIn is harm of a whole decoded value; it also wants valid UTF-8.
func harmIn(s string) string {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return "a byte that is not UTF-8"
		}
		if why := harm(r); why != "" {
			return why
		}
		i += n
	}
	return ""
}
