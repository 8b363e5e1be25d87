package match

import (
	"strings"
	"unicode/utf8"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"
)

// fold writes text of any script in the letters a to z, the digits and single
// blanks. Apostrophes vanish (O'Brien), every other mark parts words.
func fold(text string) string {
	if len(text) > maxText {
		end := maxText
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if !plain(text) {
		text = unidecode.Unidecode(norm.NFKC.String(strings.ToValidUTF8(text, " ")))
	}
	out := make([]byte, 0, min(len(text), maxText))
	gap := false
	for i := 0; i < len(text) && len(out) < maxText; i++ {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case c == '\'' || c == '`':
			continue
		default:
			gap = len(out) > 0
			continue
		}
		if gap {
			out, gap = append(out, ' '), false
		}
		out = append(out, c)
	}
	if blankWords[string(out)] {
		return ""
	}
	return string(out)
}

func plain(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// blankWords are what people write in a field that they must not leave empty.
var blankWords = words("unknown na n/a nk nil none null notknown missing blank x xx xxx", "not known", "not given", "n a", "no fixed abode", "nfa")

func words(list string, phrases ...string) map[string]bool {
	set := map[string]bool{}
	for _, w := range append(strings.Fields(list), phrases...) {
		set[w] = true
	}
	return set
}

// squeeze is folded text without its blanks.
func squeeze(folded string) string { return strings.ReplaceAll(folded, " ", "") }

// skeleton is how a name sounds, coarsely and for no language in particular: its
// consonants, with those joined that transliterations confuse (c k q g, d t, f v w,
// s z), vowels and h dropped, and a mark for a vowel or h at the beginning. So
// Mohammed, Muhammad, Mukhammad and the vowelless mHmd of Arabic script are one.
func skeleton(name string) string {
	var out [6]byte
	n := 0
	put := func(c byte) {
		if n < len(out) && (n == 0 || out[n-1] != c) {
			out[n] = c
			n++
		}
	}
	for i := 0; i < len(name) && n < len(out); i++ {
		next := byte(0)
		if i+1 < len(name) {
			next = name[i+1]
		}
		switch c := name[i]; c {
		case 'a', 'e', 'i', 'o', 'u', 'h':
			if i == 0 {
				put('a')
			}
		case 'y':
			if i == 0 {
				put('j')
			}
		case 'b':
			put('p')
		case 'c':
			switch {
			case next == 'z' || next == 'e' || next == 'i' || next == 'y':
				put('s')
			case next == 's':
			default:
				put('k')
			}
		case 'd', 't':
			put('t')
			if next == 'h' {
				i++
			}
		case 'f', 'v', 'w':
			put('f')
		case 'g', 'q':
			if c == 'g' && next == 'h' && i > 0 {
				i++
				break
			}
			put('k')
		case 'k':
			if next == 'h' && i > 0 {
				i++
				break
			}
			put('k')
		case 'p':
			if next == 'h' {
				put('f')
				i++
			} else {
				put('p')
			}
		case 's':
			put('s')
			if next == 'c' && i+2 < len(name) && name[i+2] == 'h' {
				i += 2
			}
		case 'x':
			put('k')
			put('s')
		case 'z':
			put('s')
		default:
			put(c)
		}
	}
	return string(out[:n])
}
