package api

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/fame-hub/fame/internal/fault"
)

// maxDepth is how deep arrays and objects may stand in each other.
const maxDepth = 32

// checkJSON accepts exactly one JSON text (RFC 8259) that every parser reads
// alike, and whose strings a person reads as they are stored. It refuses, as
// Malformed: invalid UTF-8, a member given twice in one object, control and
// bidirectional characters and lone surrogates in any string, escaped or not,
// numbers that no float64 can hold, depth beyond maxDepth, and anything after
// the value. What it accepts, encoding/json accepts.
//
// The generated decoders let all of these pass, the last of two members
// winning (tech.md, traps met). The fault names the place by a pointer made of
// names that known has and of places in arrays, and by the byte; never by
// what stands there.
func checkJSON(data []byte, known func(string) bool) error {
	s := scanner{data: data, known: known}
	s.space()
	if f := s.value(); f != nil {
		return f
	}
	if s.space(); s.at < len(data) {
		return s.refuse("something follows the JSON value: send one value")
	}
	return nil
}

// CheckJSON is what an Edge asks of every body, for those who send one.
func CheckJSON(data []byte) error { return checkJSON(data, nil) }

// scanner reads data once, from front to back.
type scanner struct {
	data  []byte
	at    int
	path  []string
	known func(string) bool
}

func (s *scanner) value() *fault.Error {
	if s.at >= len(s.data) {
		return s.refuse("the JSON ends too early")
	}
	switch c := s.data[s.at]; {
	case c == '{':
		return s.object()
	case c == '[':
		return s.array()
	case c == '"':
		_, f := s.str()
		return f
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(string(s.data[s.at:min(s.at+len(word), len(s.data))]), word) {
			s.at += len(word)
			return nil
		}
	}
	return s.refuse("this is not JSON")
}

// seenInList is up to how many members an object's names are compared one by
// one; beyond it a set is cheaper.
const seenInList = 16

func (s *scanner) object() *fault.Error {
	if len(s.path) >= maxDepth {
		return s.refuse("the JSON is nested too deeply: %d levels are allowed", maxDepth)
	}
	s.path = append(s.path, "")
	s.at++ // {
	var names []string
	var set map[string]bool
	s.space()
	if s.take('}') {
		s.leave()
		return nil
	}
	for {
		s.path[len(s.path)-1] = ""
		if s.at >= len(s.data) || s.data[s.at] != '"' {
			return s.refuse("this is not JSON: a member's name belongs here")
		}
		name, f := s.str()
		if f != nil {
			return f
		}
		s.path[len(s.path)-1] = name
		twice := set[name]
		for _, other := range names {
			twice = twice || other == name
		}
		if twice {
			return s.refuse("a member stands twice in one object: give it once")
		}
		if len(names) < seenInList {
			names = append(names, name)
		} else {
			if set == nil {
				set = make(map[string]bool)
			}
			set[name] = true
		}
		s.space()
		if !s.take(':') {
			return s.refuse("this is not JSON: a colon belongs here")
		}
		s.space()
		if f := s.value(); f != nil {
			return f
		}
		s.space()
		if s.take('}') {
			s.leave()
			return nil
		}
		if !s.take(',') {
			return s.refuse("this is not JSON: a comma or a closing brace belongs here")
		}
		s.space()
	}
}

func (s *scanner) array() *fault.Error {
	if len(s.path) >= maxDepth {
		return s.refuse("the JSON is nested too deeply: %d levels are allowed", maxDepth)
	}
	s.path = append(s.path, "")
	s.at++ // [
	s.space()
	if s.take(']') {
		s.leave()
		return nil
	}
	for i := 0; ; i++ {
		s.path[len(s.path)-1] = "\x00" + strconv.Itoa(i) // no member's name starts so
		if f := s.value(); f != nil {
			return f
		}
		s.space()
		if s.take(']') {
			s.leave()
			return nil
		}
		if !s.take(',') {
			return s.refuse("this is not JSON: a comma or a closing bracket belongs here")
		}
		s.space()
	}
}

// str reads a string and returns it decoded.
func (s *scanner) str() (string, *fault.Error) {
	s.at++ // "
	start := s.at
	var decoded []byte // nil while nothing is escaped
	for s.at < len(s.data) {
		c := s.data[s.at]
		switch {
		case c == '"':
			raw := s.data[start:s.at]
			s.at++
			if decoded == nil {
				return string(raw), nil
			}
			return string(append(decoded, raw...)), nil
		case c == '\\':
			decoded = append(decoded, s.data[start:s.at]...)
			r, f := s.escape()
			if f != nil {
				return "", f
			}
			if why := harm(r); why != "" {
				return "", s.refuse("%s stands in a string: remove it", why)
			}
			decoded = utf8.AppendRune(decoded, r)
			start = s.at
		case c >= 0x20 && c < 0x7f:
			s.at++
		default:
			r, n := utf8.DecodeRune(s.data[s.at:])
			if r == utf8.RuneError && n == 1 {
				return "", s.refuse("a byte is not UTF-8: encode the body as UTF-8")
			}
			if why := harm(r); why != "" {
				return "", s.refuse("%s stands in a string: remove it", why)
			}
			s.at += n
		}
	}
	return "", s.refuse("the JSON ends inside a string")
}

// escape reads what follows a backslash, both halves of a surrogate pair.
func (s *scanner) escape() (rune, *fault.Error) {
	s.at++ // \
	if s.at >= len(s.data) {
		return 0, s.refuse("the JSON ends inside a string")
	}
	c := s.data[s.at]
	s.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
	default:
		return 0, s.refuse("this is not JSON: a backslash stands before what it cannot escape")
	}
	first, ok := s.hex4()
	if !ok {
		return 0, s.refuse("this is not JSON: four hexadecimal digits belong after \\u")
	}
	if !utf16.IsSurrogate(first) {
		return first, nil
	}
	if s.at+1 < len(s.data) && s.data[s.at] == '\\' && s.data[s.at+1] == 'u' {
		s.at += 2
		if second, ok := s.hex4(); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, nil
			}
		}
	}
	return 0, s.refuse("half of a surrogate pair stands alone: write the whole character")
}

func (s *scanner) hex4() (rune, bool) {
	if s.at+4 > len(s.data) {
		return 0, false
	}
	var r rune
	for _, c := range s.data[s.at : s.at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.at += 4
	return r, true
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scanner) number() *fault.Error {
	start := s.at
	s.take('-')
	if !s.take('0') && s.digits() == 0 {
		return s.refuse("this is not a JSON number")
	}
	if s.take('.') && s.digits() == 0 {
		return s.refuse("this is not a JSON number")
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if s.digits() == 0 {
			return s.refuse("this is not a JSON number")
		}
	}
	if _, err := strconv.ParseFloat(string(s.data[start:s.at]), 64); err != nil {
		return s.refuse("a number is too large")
	}
	return nil
}

func (s *scanner) digits() int {
	start := s.at
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at - start
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) leave() { s.path = s.path[:len(s.path)-1] }

func (s *scanner) refuse(format string, args ...any) *fault.Error {
	detail := fmt.Sprintf(format, args...) + " (near byte " + strconv.Itoa(s.at) + ")"
	f := fault.New(fault.Malformed, "%s", detail)
	f.Fields = []fault.Field{{Pointer: s.pointer(), Detail: detail}}
	return f
}

// pointer is the place as far as its names are the contract's own.
func (s *scanner) pointer() string {
	var b strings.Builder
	for _, name := range s.path {
		if index, ok := strings.CutPrefix(name, "\x00"); ok {
			b.WriteString("/" + index)
		} else if s.known != nil && s.known(name) {
			b.WriteString("/" + name)
		} else {
			break
		}
	}
	return b.String()
}
