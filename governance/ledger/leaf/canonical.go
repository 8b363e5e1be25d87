package leaf

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// canonical is jcs.Transform for what encoding/json writes, at a tenth of the
// cost: it moves the members of objects and copies the rest. It gives up, with
// false, on whatever it would have to look at closely: a backslash, a name
// beyond ASCII or given twice, a number that is no short integer.
func canonical(text []byte) ([]byte, bool) {
	c := scanner{text: text}
	if !utf8.Valid(text) || !c.value() || c.at != len(text) {
		return nil, false
	}
	return inOrder(make([]byte, 0, len(text)), text)
}

// inOrder appends a value that a scanner has been through, its members in the
// order of their names. For ASCII the order of bytes is that of UTF-16 code
// units, which JCS sorts by.
func inOrder(to, value []byte) (_ []byte, ok bool) {
	type member struct{ name, value []byte }
	var room [32]member
	members := room[:0]
	c := scanner{text: value}
	switch value[0] {
	case '{':
		for c.at++; value[c.at] != '}'; c.take(',') {
			name, _ := c.str()
			c.take(':')
			start := c.at
			c.value()
			members = append(members, member{name, value[start:c.at]})
		}
	case '[':
		to = append(to, '[')
		for c.at++; value[c.at] != ']'; {
			start := c.at
			c.value()
			if to, ok = inOrder(to, value[start:c.at]); !ok {
				return nil, false
			}
			if c.take(',') {
				to = append(to, ',')
			}
		}
		return append(to, ']'), true
	default:
		return append(to, value...), true
	}
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	to = append(to, '{')
	for i, m := range members {
		if i > 0 {
			if bytes.Equal(m.name, members[i-1].name) {
				return nil, false
			}
			to = append(to, ',')
		}
		to = append(append(append(to, '"'), m.name...), '"', ':')
		if to, ok = inOrder(to, m.value); !ok {
			return nil, false
		}
	}
	return append(to, '}'), true
}

// scanner goes once through compact JSON.
type scanner struct {
	text []byte
	at   int
}

// take goes past the byte b, if it is next.
func (c *scanner) take(b byte) bool {
	if c.at < len(c.text) && c.text[c.at] == b {
		c.at++
		return true
	}
	return false
}

func (c *scanner) value() bool {
	if c.at == len(c.text) {
		return false
	}
	switch b := c.text[c.at]; {
	case b == '"':
		_, ok := c.str()
		return ok
	case b == '{':
		return c.object()
	case b == '[':
		return c.array()
	case b == '-' || b >= '0' && b <= '9':
		return c.integer()
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(c.text[c.at:], []byte(word)) {
			c.at += len(word)
			return true
		}
	}
	return false
}

func (c *scanner) object() bool {
	c.at++
	if c.take('}') {
		return true
	}
	for {
		name, ok := c.str()
		if !ok || !ascii(name) || !c.take(':') || !c.value() {
			return false
		}
		if c.take('}') {
			return true
		}
		if !c.take(',') {
			return false
		}
	}
}

func (c *scanner) array() bool {
	c.at++
	if c.take(']') {
		return true
	}
	for {
		if !c.value() {
			return false
		}
		if c.take(']') {
			return true
		}
		if !c.take(',') {
			return false
		}
	}
}

// str wants a string without escapes: encoding/json writes valid UTF-8 as it is.
func (c *scanner) str() ([]byte, bool) {
	if !c.take('"') {
		return nil, false
	}
	start := c.at
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case b == '"':
			c.at++
			return c.text[start : c.at-1], true
		case b == '\\' || b < ' ':
			return nil, false
		}
	}
	return nil, false
}

// integer wants one that a double holds exactly, as JCS writes it.
func (c *scanner) integer() bool {
	minus := c.take('-')
	start := c.at
	for c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9' {
		c.at++
	}
	n := c.at - start
	if n == 0 || n > 15 || c.text[start] == '0' && (n > 1 || minus) {
		return false
	}
	return c.at == len(c.text) || !bytes.ContainsRune([]byte(".eE"), rune(c.text[c.at]))
}

func ascii(text []byte) bool {
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}
