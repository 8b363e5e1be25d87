package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/go-faster/jx"
)

func knowsColumn(name string) bool { return name == "column" || name == "offers" }

func TestCheckJSONRefusesWhatTwoReadersReadDifferently(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, pointer string }{
		{"a member twice", `{"column":"a","column":"b"}`, "/column"},
		{"a member twice, once escaped", `{"column":"a","c\u006flumn":"b"}`, "/column"},
		{"a member twice far down", `{"offers":[{},{"column":1,"column":2}]}`, "/offers/1/column"},
		{"a member twice of a name that is not ours", `{"LMN-00042":1,"LMN-00042":2}`, ""},
		{"a member twice among many", `{"column":0,` + many(40) + `,"k39":1}`, ""},
		{"NUL", "{\"column\":\"a\x00\"}", "/column"},
		{"an escaped NUL", `{"column":"\u0000"}`, "/column"},
		{"a line break", "{\"column\":\"a\nb\"}", "/column"},
		{"an escaped line break", `{"column":"a\nb"}`, "/column"},
		{"DEL", "{\"column\":\"\x7f\"}", "/column"},
		{"C1", "{\"column\":\"\u0085\"}", "/column"},
		{"a bidirectional override", "{\"column\":\"\u202e\"}", "/column"},
		{"an escaped bidirectional isolate", `{"column":"\u2066"}`, "/column"},
		{"a direction mark in a name", `{"\u200f":1}`, ""},
		{"an Arabic letter mark", "{\"column\":\"\u061c\"}", "/column"},
		{"bytes that are not UTF-8", "{\"column\":\"\xff\"}", "/column"},
		{"an encoded surrogate", "{\"column\":\"\xed\xa0\x80\"}", "/column"},
		{"a lone high surrogate", `{"column":"\ud800"}`, "/column"},
		{"a lone low surrogate", `{"column":"\udc00"}`, "/column"},
		{"two high surrogates", `{"column":"\ud800\ud800"}`, "/column"},
		{"a second value", `{} {}`, ""},
		{"rubbish after the value", `{}x`, ""},
		{"a byte order mark", "\ufeff{}", ""},
		{"too deep", strings.Repeat("[", 33) + strings.Repeat("]", 33), "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0"},
		{"a number for no float64", `{"column":1e999}`, "/column"},
		{"a leading zero", `01`, ""},
		{"a trailing comma", `[1,]`, "/1"},
		{"a comma in an object", `{"column":1,}`, ""},
		{"nothing", ``, ""},
		{"space", ` `, ""},
		{"an open string", `"abc`, ""},
		{"an open escape", `"\`, ""},
		{"a short escape", `"\u12`, ""},
		{"a bare word", `nul`, ""},
		{"NaN", `NaN`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := checkJSON([]byte(c.text), knowsColumn)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Kind != fault.Malformed {
				t.Fatalf("got %v", err)
			}
			if got := f.Fields[0].Pointer; got != c.pointer {
				t.Errorf("pointer %q, want %q", got, c.pointer)
			}
			if strings.Contains(err.Error(), "LMN") {
				t.Errorf("the error repeats the input: %v", err)
			}
		})
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"k` + string(rune('0'+i/10)) + string(rune('0'+i%10)) + `":1`)
	}
	return b.String()
}

func TestCheckJSONAcceptsPlainText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, `null`, `true`, `-0.5e+3`, ` { "column" : [ 1 , { "a" : "b" } , false ] } `,
		`"Siân Ó Briain 👩‍👧 \ud83d\udc67 \u00e9 \" \\ \/"`, `{"a":{"column":1},"b":{"column":1}}`, "{" + many(40) + "}",
		strings.Repeat("[", 32) + strings.Repeat("]", 32),
	} {
		if err := checkJSON([]byte(text), knowsColumn); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{
		`{"column":"a","offers":[1,2.5e3,null,true,{"x":"\u00e9\ud83d\udc67"}]}`, `{"a":1,"a":2}`, `"\ud800"`, "\"\x00\"", `[[[`, `01`, `1e400`, `{"a":`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkJSON(data, knowsColumn) != nil {
			return
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Errorf("accepted, and encoding/json says %v", err)
		}
		if !jx.Valid(data) {
			t.Error("accepted, and the generated decoders refuse it")
		}
	})
}

func BenchmarkCheckJSON(b *testing.B) {
	body := []byte(`{"column":"riverside-gp","identifier":"LMN-00042","purpose":"safeguarding","reason":"referral","concerning":"child"}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := checkJSON(body, knowsColumn); err != nil {
			b.Fatal(err)
		}
	}
}
