package leaf

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gowebpki/jcs"
)

// FuzzCanonical: what is not given up is what RFC 8785 makes of it.
func FuzzCanonical(f *testing.F) {
	for text := range canonicalCases {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		if json.Unmarshal(text, &v) != nil { // what encoding/json writes, it reads
			return
		}
		got, ok := canonical(text)
		if !ok {
			return
		}
		want, err := jcs.Transform(text)
		if err != nil || !bytes.Equal(want, got) {
			t.Errorf("%q became %q, not %q: %v", text, got, want, err)
		}
	})
}

// canonicalCases say what becomes of a text, nothing where it is given up.
var canonicalCases = map[string]string{
	`{}`: `{}`, `[]`: `[]`, `-7`: `-7`, `0`: `0`, `999999999999999`: `999999999999999`,
	`{"a":1,"c":{"e":"é","d":[]},"b":[true,false,null,{"z":"x","y":{}}]}`: `{"a":1,"b":[true,false,null,{"y":{},"z":"x"}],"c":{"d":[],"e":"é"}}`,
	`{"ab":1,"a":2}`: `{"a":2,"ab":1}`,
	`{"a":1,"a":2}`:  ``, `{"a":1.5}`: ``, `1e3`: ``, `-0`: ``, `01`: ``, `9999999999999999`: ``,
	`{"é":1}`: ``, `"\u003c"`: ``, `"\n"`: ``, `{ "a":1}`: ``, `[1, 2]`: ``, `{"a":1`: ``, `[1`: ``, `"a`: ``, ``: ``,
	`tru`: ``, `nil`: ``, `{"a":1}x`: ``, `{"a"}`: ``, `[1,]`: ``, `-`: ``, "\"\xff\"": ``,
}

// ACT-03: what is committed to is the JCS form.
func TestCanonicalIsTheFormOfRFC8785(t *testing.T) {
	t.Parallel()
	for text, want := range canonicalCases {
		got, ok := canonical([]byte(text))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s became %s, %v: want %s", text, got, ok, want)
		}
		if reference, err := jcs.Transform([]byte(text)); ok && (err != nil || string(reference) != want) {
			t.Errorf("%s: RFC 8785 says %s, %v: want %s", text, reference, err, want)
		}
	}
}
