package lookup

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudflare/circl/oprf"
	"pgregory.net/rapid"
)

func answerer(t testing.TB, epoch uint32) *Answerer {
	t.Helper()
	a, err := NewAnswerer(bytes.Repeat([]byte{7}, SeedSize), epoch)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func valueOf(t testing.TB, a *Answerer, id Identifier) Value {
	t.Helper()
	v, err := a.Value(id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// asked is a whole look-up of some identifiers at a hub.
func asked(t testing.TB, a *Answerer, ids ...Identifier) []Value {
	t.Helper()
	q, err := Ask(a.PublicKey(), ids)
	if err != nil {
		t.Fatal(err)
	}
	evaluated, proof, err := a.Evaluate(q.Blinded())
	if err != nil {
		t.Fatal(err)
	}
	values, err := q.Values(evaluated, proof)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func nhs(i int) Identifier { return Identifier{"nhs-number", fmt.Sprintf("%010d", i)} }

// FED-31, QRY-05, RFC 9497: whoever is there is found by whoever names them, under the
// key that was published, and by nobody else; what is asked about somebody who is not
// there opens nothing.
func TestSomebodyIsFoundByWhoeverNamesThem(t *testing.T) {
	t.Parallel()
	a := answerer(t, 1)
	var rows []Row
	for i := range 40 {
		v := valueOf(t, a, nhs(i))
		row, err := v.Row(fmt.Appendf(nil, "route %d", i))
		if err != nil || len(row) != RowSize {
			t.Fatalf("a row of %d bytes: %v", len(row), err)
		}
		rows = append(rows, row)
	}
	for i, v := range asked(t, a, nhs(3), nhs(39), nhs(40)) {
		var of []Row
		for _, r := range rows {
			if Tag(r[:TagSize]).Prefix(4) == v.Tag.Prefix(4) {
				of = append(of, r)
			}
		}
		bucket, err := Bucket(v.Tag.Prefix(4), 4, 16, of)
		if err != nil || len(bucket) == 0 || len(bucket)%16 != 0 {
			t.Fatalf("%d rows: %v", len(bucket), err)
		}
		for _, r := range bucket {
			if len(r) != RowSize || Tag(r[:TagSize]).Prefix(4) != v.Tag.Prefix(4) {
				t.Errorf("a row of another form or place: %x", r)
			}
		}
		said, found := v.Open(bucket)
		want := [][]byte{[]byte("route 3"), []byte("route 39"), nil}[i]
		if found != (want != nil) || !bytes.Equal(said, want) {
			t.Errorf("asked about number %d: %q %v", i, said, found)
		}
	}
}

// A bucket without anybody is filled as one with somebody, to the byte.
func TestABucketOfNobodyLooksLikeOneOfSomebody(t *testing.T) {
	t.Parallel()
	a := answerer(t, 1)
	v := valueOf(t, a, nhs(1))
	row, err := v.Row([]byte("route"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][]Row{nil, {row}} {
		bucket, err := Bucket(v.Tag.Prefix(12), 12, 8, rows)
		if err != nil || len(bucket) != 8 {
			t.Fatalf("%d rows: %v", len(bucket), err)
		}
		if !slices.IsSortedFunc(bucket, func(a, b Row) int { return bytes.Compare(a, b) }) {
			t.Error("the order tells which rows are of nobody")
		}
	}
}

// What is evaluated is blinded anew each time: two questions about one person have
// nothing in common, nor do they with the tag.
func TestTwoQuestionsAboutOnePersonHaveNothingInCommon(t *testing.T) {
	t.Parallel()
	a := answerer(t, 1)
	first, err := Ask(a.PublicKey(), []Identifier{nhs(1), nhs(1)})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Ask(a.PublicKey(), []Identifier{nhs(1)})
	if err != nil {
		t.Fatal(err)
	}
	tag := valueOf(t, a, nhs(1)).Tag
	seen := slices.Concat(first.Blinded(), second.Blinded(), [][]byte{tag[:]})
	for i, x := range seen {
		for _, y := range seen[i+1:] {
			if bytes.Equal(x, y) || bytes.Contains(x, y) {
				t.Errorf("%x and %x", x, y)
			}
		}
	}
}

// A hub that evaluates with a key of its own for this asker, to know it again, is caught,
// and so is every other answer that is not the function's.
func TestAnotherKeyThanThePublishedOneIsNoticed(t *testing.T) {
	t.Parallel()
	a, singled := answerer(t, 1), answerer(t, 2)
	q, err := Ask(a.PublicKey(), []Identifier{nhs(1), nhs(2)})
	if err != nil {
		t.Fatal(err)
	}
	evaluated, proof, err := a.Evaluate(q.Blinded())
	if err != nil {
		t.Fatal(err)
	}
	others, theirs, err := singled.Evaluate(q.Blinded())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		evaluated [][]byte
		proof     []byte
		want      error
	}{
		"another key":            {others, theirs, ErrProof},
		"another key's elements": {others, proof, ErrProof},
		"another key's proof":    {evaluated, theirs, ErrProof},
		"in another order":       {[][]byte{evaluated[1], evaluated[0]}, proof, ErrProof},
		"one twice":              {[][]byte{evaluated[0], evaluated[0]}, proof, ErrProof},
		"one too few":            {evaluated[:1], proof, ErrMalformed},
		"none":                   {nil, proof, ErrMalformed},
		"no proof":               {evaluated, nil, ErrMalformed},
		"a proof cut off":        {evaluated, proof[:ProofSize-1], ErrMalformed},
		"the identity":           {[][]byte{make([]byte, ElementSize), evaluated[1]}, proof, ErrMalformed},
		"no element":             {[][]byte{bytes.Repeat([]byte{0xff}, ElementSize), evaluated[1]}, proof, ErrMalformed},
	} {
		if _, err := q.Values(c.evaluated, c.proof); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := q.Values(evaluated, proof); err != nil {
		t.Errorf("the good answer: %v", err)
	}
}

// Whatever a peer sends is refused or answered, and nothing else.
func TestAQuestionIsHeldToItsForm(t *testing.T) {
	t.Parallel()
	a := answerer(t, 1)
	good, err := Ask(a.PublicKey(), []Identifier{nhs(1)})
	if err != nil {
		t.Fatal(err)
	}
	element := good.Blinded()[0]
	for name, blinded := range map[string][][]byte{
		"nothing": nil, "too many": slices.Repeat([][]byte{element}, Most+1), "the identity": {make([]byte, ElementSize)},
		"one byte too few": {element[1:]}, "one too many": {append(bytes.Clone(element), 0)}, "empty": {{}}, "nil": {nil},
		"no element": {bytes.Repeat([]byte{0xff}, ElementSize)}, "a good one and a bad": {element, element[1:]},
	} {
		if _, _, err := a.Evaluate(blinded); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, key := range map[string][]byte{"none": nil, "the identity": make([]byte, ElementSize), "text": []byte("a public key of 32 bytes, or so?")} {
		if _, err := Ask(key, []Identifier{nhs(1)}); !errors.Is(err, ErrMalformed) {
			t.Errorf("a key that is %s: %v", name, err)
		}
	}
	for name, ids := range map[string][]Identifier{
		"nobody": nil, "too many": slices.Repeat([]Identifier{nhs(1)}, Most+1), "no scheme": {{"", "1"}}, "no number": {{"nhs-number", ""}},
		"a long number": {{"nhs-number", strings.Repeat("1", 256)}}, "a long scheme": {{strings.Repeat("n", 256), "1"}},
	} {
		if _, err := Ask(a.PublicKey(), ids); err == nil {
			t.Errorf("%s: asked", name)
		}
	}
	if _, err := NewAnswerer(make([]byte, SeedSize-1), 1); err == nil {
		t.Error("a short secret is taken")
	}
	if _, err := (Value{}).Row(make([]byte, ContentSize+1)); err == nil {
		t.Error("a row holds more than it says")
	}
}

func FuzzEvaluate(f *testing.F) {
	a := answerer(f, 1)
	q, err := Ask(a.PublicKey(), []Identifier{nhs(1)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q.Blinded()[0])
	f.Add(make([]byte, ElementSize))
	f.Fuzz(func(t *testing.T, element []byte) {
		evaluated, proof, err := a.Evaluate([][]byte{element})
		if (err == nil) != (len(evaluated) == 1 && len(proof) == ProofSize) {
			t.Errorf("%x: %x %x %v", element, evaluated, proof, err)
		}
	})
}

func FuzzValues(f *testing.F) {
	a := answerer(f, 1)
	q, err := Ask(a.PublicKey(), []Identifier{nhs(1)})
	if err != nil {
		f.Fatal(err)
	}
	evaluated, proof, err := a.Evaluate(q.Blinded())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(evaluated[0], proof)
	f.Fuzz(func(t *testing.T, element, p []byte) {
		if v, err := q.Values([][]byte{element}, p); err == nil && (!bytes.Equal(element, evaluated[0]) || v[0] != valueOf(t, a, nhs(1))) {
			t.Errorf("%x %x is taken for the function", element, p)
		}
	})
}

// Any bytes are a bucket in which nobody is.
func FuzzOpen(f *testing.F) {
	v := valueOf(f, answerer(f, 1), nhs(1))
	row, err := v.Row([]byte("route"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(row))
	f.Fuzz(func(t *testing.T, b []byte) {
		if said, found := v.Open([]Row{b}); found && !bytes.Equal(b, row) {
			t.Errorf("%x says %q", b, said)
		}
	})
}

// Two identifiers have one input, and with it one tag, only if they are the same, however
// scheme and number are cut.
func TestNoTwoIdentifiersAreTakenForOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 6, 60)
		x := Identifier{text.Draw(t, "scheme"), text.Draw(t, "number")}
		y := Identifier{text.Draw(t, "scheme"), text.Draw(t, "number")}
		a, err := x.input()
		if err != nil {
			t.Fatal(err)
		}
		b, err := y.input()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a, b) != (x == y) {
			t.Errorf("%q and %q", x, y)
		}
	})
	if a, b := valueOf(t, answerer(t, 1), nhs(1)), valueOf(t, answerer(t, 2), nhs(1)); a.Tag == b.Tag {
		t.Error("two epochs have one tag")
	}
}

type hexes [][]byte

func (h *hexes) UnmarshalText(text []byte) error {
	for s := range strings.SplitSeq(string(text), ",") {
		b, err := hex.DecodeString(s)
		if err != nil {
			return err
		}
		*h = append(*h, b)
	}
	return nil
}

// RFC 9497, appendix A: the vectors of this mode and suite, through the package's own
// path. The library that has them carries those of all others.
func TestTheVectorsOfTheRFC(t *testing.T) {
	t.Parallel()
	where, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cloudflare/circl").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(strings.TrimSpace(string(where)), "oprf", "testdata", "rfc9497.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Identifier    string
		Mode          uint8
		Seed, KeyInfo hexes
		SkSm, PkSm    hexes
		Vectors       []struct{ Input, Blind, BlindedElement, EvaluationElement, Output hexes }
	}
	if err := json.NewDecoder(unzipped).Decode(&all); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range all {
		if s.Identifier != suite.Identifier() || s.Mode != oprf.VerifiableMode {
			continue
		}
		a, err := newAnswerer(s.Seed[0], s.KeyInfo[0])
		if err != nil || !bytes.Equal(a.PublicKey(), s.PkSm[0]) {
			t.Fatalf("the key pair is another: %v", err)
		}
		for _, v := range s.Vectors {
			n++
			blinds := make([]oprf.Blind, len(v.Blind))
			for i, b := range v.Blind {
				blinds[i] = suite.Group().NewScalar()
				if err := blinds[i].UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
			}
			q, err := ask(a.PublicKey(), func(c oprf.VerifiableClient) (*oprf.FinalizeData, *oprf.EvaluationRequest, error) {
				return c.DeterministicBlind(v.Input, blinds)
			})
			if err != nil || !slices.EqualFunc(q.Blinded(), v.BlindedElement, bytes.Equal) {
				t.Fatalf("blinded to %x: %v", q.Blinded(), err)
			}
			evaluated, proof, err := a.Evaluate(q.Blinded())
			if err != nil || !slices.EqualFunc(evaluated, v.EvaluationElement, bytes.Equal) {
				t.Fatalf("evaluated to %x: %v", evaluated, err)
			}
			values, err := q.Values(evaluated, proof)
			if err != nil {
				t.Fatal(err)
			}
			for i, out := range v.Output {
				want, err := split(out)
				if err != nil || values[i] != want {
					t.Errorf("value %d of vector %d is another: %v", i, n, err)
				}
			}
		}
	}
	if n < 3 {
		t.Errorf("%d vectors", n)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	a := answerer(b, 1)
	for _, n := range []int{1, Most} {
		ids := make([]Identifier, n)
		for i := range ids {
			ids[i] = nhs(i)
		}
		q, err := Ask(a.PublicKey(), ids)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := a.Evaluate(q.Blinded()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "identifiers/s")
		})
	}
}

func BenchmarkValue(b *testing.B) {
	a := answerer(b, 1)
	for b.Loop() {
		if _, err := a.Value(nhs(1)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	a := answerer(b, 1)
	v := valueOf(b, a, nhs(1))
	row, err := v.Row([]byte("route"))
	if err != nil {
		b.Fatal(err)
	}
	nobody := make(Row, RowSize)
	if _, err := rand.Read(nobody); err != nil {
		b.Fatal(err)
	}
	bucket := append(slices.Repeat([]Row{nobody}, 63), row)
	for b.Loop() {
		if _, found := v.Open(bucket); !found {
			b.Fatal("not found")
		}
	}
}
