package hubtest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Search looks for secrets in whatever somebody could get hold of, in clear and
// in the forms that hide nothing: another case, hexadecimal, base 64 at any
// offset, escaped for JSON or a URL, or hashed without a key.
type Search struct {
	folded, exact forms
}

// forms are what to look for, by their first three bytes: one pass over a text
// finds them all.
type forms struct {
	first   []uint64 // a bit for each beginning
	by      map[[3]byte][]form
	longest int
}

type form struct {
	text []byte
	what string // of the secret: it may be shown in a failure
	how  string
}

// Found is one secret that was found.
type Found struct{ What, How, Where, Around string }

// String is a line for a failure.
func (f Found) String() string {
	return fmt.Sprintf("%s, %s, in %s: …%s…", f.What, f.How, f.Where, f.Around)
}

// For adds a secret; what names it in a failure.
func (s *Search) For(what, secret string) {
	b := []byte(secret)
	s.folded.add(form{[]byte(strings.ToLower(secret)), what, "in clear"})
	s.folded.add(form{[]byte(hex.EncodeToString(b)), what, "in hexadecimal"})
	s.folded.add(form{[]byte(strings.ToLower(url.QueryEscape(secret))), what, "escaped for a URL"})
	s.folded.add(form{[]byte(strings.ToLower(strings.ReplaceAll(secret, "/", `\/`))), what, "escaped for JSON"})
	var wide []byte
	for _, c := range b {
		wide = append(wide, c, 0)
	}
	s.exact.add(form{wide, what, "in UTF-16"})
	for offset := range 3 {
		// At any offset all but the first and last characters depend on the
		// secret alone.
		padded := append(make([]byte, offset), b...)
		from, to := (offset*8+5)/6, len(padded)*8/6
		for how, encoding := range map[string]*base64.Encoding{"in base 64": base64.RawStdEncoding, "in base 64 for URLs": base64.RawURLEncoding} {
			s.exact.add(form{[]byte(encoding.EncodeToString(padded)[from:to]), what, how})
		}
	}
	for how, sum := range map[string][]byte{
		"as its MD5": sum(md5.Sum(b)), "as its SHA-1": sum20(sha1.Sum(b)),
		"as its SHA-256": sum32(sha256.Sum256(b)), "as its SHA-512": sum64(sha512.Sum512(b)),
	} {
		s.exact.add(form{sum, what, how})
		s.folded.add(form{[]byte(hex.EncodeToString(sum)), what, how + " in hexadecimal"})
		s.exact.add(form{[]byte(base64.RawStdEncoding.EncodeToString(sum)), what, how + " in base 64"})
		s.exact.add(form{[]byte(base64.RawURLEncoding.EncodeToString(sum)), what, how + " in base 64 for URLs"})
	}
}

func sum(b [16]byte) []byte   { return b[:] }
func sum20(b [20]byte) []byte { return b[:] }
func sum32(b [32]byte) []byte { return b[:] }
func sum64(b [64]byte) []byte { return b[:] }

// ForText adds a long secret, such as a token, that is looked for as it is.
func (s *Search) ForText(what, secret string) {
	s.exact.add(form{[]byte(secret), what, "in clear"})
	s.folded.add(form{[]byte(hex.EncodeToString([]byte(secret))), what, "in hexadecimal"})
}

// Size is how many forms are looked for.
func (s *Search) Size() int { return s.folded.size() + s.exact.size() }

func (f *forms) size() (n int) {
	for _, all := range f.by {
		n += len(all)
	}
	return n
}

func (f *forms) add(n form) {
	// Fewer than five bytes turn up in any random text.
	if len(n.text) < 5 {
		return
	}
	if f.by == nil {
		f.by, f.first = map[[3]byte][]form{}, make([]uint64, 1<<24/64)
	}
	k := [3]byte(n.text[:3])
	if slices.ContainsFunc(f.by[k], func(o form) bool { return bytes.Equal(o.text, n.text) }) {
		return
	}
	f.by[k] = append(f.by[k], n)
	at := uint(k[0])<<16 | uint(k[1])<<8 | uint(k[2])
	f.first[at/64] |= 1 << (at % 64)
	f.longest = max(f.longest, len(n.text))
}

// In searches one text. Each secret is reported once per text and form.
func (s *Search) In(where string, text []byte) (all []Found) {
	all = s.exact.in(where, text, text)
	all = append(all, s.folded.in(where, lower(text), text)...)
	// What the dump writes as \x… is searched as the bytes that it stands for.
	var raw bytes.Buffer
	for _, b := range bytea.FindAll(text, -1) {
		decoded, err := hex.DecodeString(string(b[2:]))
		if err == nil {
			raw.Write(decoded)
			raw.WriteByte('\n')
		}
	}
	if raw.Len() > 0 {
		all = append(all, s.In(where+", a binary value", raw.Bytes())...)
	}
	return all
}

var bytea = regexp.MustCompile(`\\x(?:[0-9a-f]{2})+`)

// lower folds ASCII only, so that places stay the same. Like forms.in it reads
// a hundred megabytes that nobody else has, a byte at a time.
//
//go:norace
func lower(text []byte) []byte {
	out := bytes.Clone(text)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

// in looks for all forms in one pass. original is the text as it was.
//
//go:norace
func (f *forms) in(where string, text, original []byte) (all []Found) {
	if f.by == nil {
		return nil
	}
	told := map[string]bool{}
	for i := 0; i+3 <= len(text); i++ {
		at := uint(text[i])<<16 | uint(text[i+1])<<8 | uint(text[i+2])
		if f.first[at/64]&(1<<(at%64)) == 0 {
			continue
		}
		for _, n := range f.by[[3]byte(text[i:i+3])] {
			if !bytes.HasPrefix(text[i:], n.text) || told[n.what+n.how] || insideID(text, i, len(n.text)) {
				continue
			}
			told[n.what+n.how] = true
			around := original[max(0, i-40):min(len(original), i+len(n.text)+40)]
			all = append(all, Found{n.what, n.how, where, fmt.Sprintf("%q", around)})
		}
	}
	return all
}

// insideID reports whether the match is a part of a random id: bed-7 is in one
// of some ten thousand.
func insideID(text []byte, at, size int) bool {
	from, to := max(0, at-36), min(len(text), at+size+36)
	for _, m := range id.FindAllIndex(text[from:to], -1) {
		if from+m[0] <= at && at+size <= from+m[1] {
			return true
		}
	}
	return false
}

var id = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// InFiles searches every file below dir.
func (s *Search) InFiles(dir string) (all []Found, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		size += int64(len(text))
		rest, _ := filepath.Rel(dir, path)
		all = append(all, s.exact.in(rest, text, text)...)
		all = append(all, s.folded.in(rest, lower(text), text)...)
		return err
	})
	return all, size, err
}
