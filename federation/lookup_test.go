package federation_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/lookup"
)

// QRY-04: a hub is asked about whom it says that it can be asked about. One that states other
// schemes is not; one of before, that states none, is.
func TestAHubIsAskedWithinTheCoverageThatItStates(t *testing.T) {
	a := withAxles(t, nil)
	a.other.Changes(func(name string, s *entity.Statement) {
		if schemes := map[string][]string{"covering": {"school-number", "national-number"}, "elsewhere": {"school-number"}, "nobody": {}}[name]; s.Metadata != nil && schemes != nil {
			s.Metadata[entity.Hub]["coverage"] = federation.Coverage{Schemes: schemes}
		}
	})
	a.peered("covering", "elsewhere", "nobody", "older")
	to, asked := a.sealedFor(), map[string]int{}
	a.other.Takes(func(name, signed string) (string, int) {
		asked[name]++
		return a.other.Says(t, name, attest.TypAxleAnswer, a.honest(a.opened(name, signed)), to), http.StatusOK
	})
	var orders []string
	for _, name := range []string{"covering", "elsewhere", "nobody", "older"} {
		orders = append(orders, a.order(name, func(o *attest.AxleOrder) { o.Scheme = "national-number" }))
	}
	says := a.asks(orders...)
	for name, want := range map[string]int{"covering": 1, "elsewhere": 0, "nobody": 0, "older": 1} {
		outcome := map[int]string{1: "answered", 0: "not-covered"}[want]
		if s := says[name]; asked[name] != want || !s.Answered || s.Answer.Outcome != outcome {
			t.Errorf("%s: asked %d times, %+v", name, asked[name], s)
		}
	}
	if n := a.count("select count(*) from federation.exchanges"); n != 2 {
		t.Errorf("%d exchanges", n)
	}
}

// What a hostile peer that answers everything it is asked can learn by a private look-up: one
// that uses another key than it states, asks for more of the tag, never ends its pages or has
// a row for everybody gets no identifier that it did not know; one of another time, that
// states no key, is asked nothing (FED-31, docs/threat-model.md).
func TestAHostilePeerLearnsNoIdentifierByAPrivateLookUp(t *testing.T) {
	a := withAxles(t, nil)
	const number = "943 476 5919"
	honest, err := lookup.NewAnswerer(bytes.Repeat([]byte{1}, lookup.SeedSize), 1)
	a.must(err)
	another, err := lookup.NewAnswerer(bytes.Repeat([]byte{2}, lookup.SeedSize), 1)
	a.must(err)
	known, err := honest.Value(lookup.Identifier{Scheme: "national-number", Number: number})
	a.must(err)
	a.other.Changes(func(name string, s *entity.Statement) {
		if s.Metadata != nil && name != "older" {
			s.Metadata[entity.Hub]["look_up"] = federation.LookUpKey{Epoch: 1, PublicKey: honest.PublicKey()}
		}
	})
	names := []string{"knowing", "not-knowing", "another-key", "curious", "endless", "boastful", "older", "over-quota", "silent-of-it"}
	a.peered(names...)
	to := a.sealedFor()
	identified, steps := map[string]int{}, map[string]int{}
	a.other.Takes(func(name, signed string) (string, int) {
		m := a.opened(name, signed)
		answer := a.honest(m)
		if m.Kind == "enquiry" {
			identified[name]++
			return a.other.Says(t, name, attest.TypAxleAnswer, answer, to), http.StatusOK
		}
		if bytes.Contains([]byte(signed), []byte(number)) || m.LookUp == nil {
			t.Errorf("%s is sent %+v", name, m)
			return "", http.StatusInternalServerError
		}
		steps[name]++
		answer.Providers = []federation.AxleProvider{}
		switch {
		case name == "over-quota":
			answer.Outcome, answer.Because = "over-quota", "enough"
		case len(m.LookUp.Blinded) > 0:
			with := honest
			if name == "another-key" {
				with = another
			}
			evaluated, proof, err := with.Evaluate([][]byte{m.LookUp.Blinded})
			if err != nil {
				t.Error(err)
				return "", http.StatusInternalServerError
			}
			answer.Outcome, answer.LookUp = "evaluated", &federation.LookedUp{Evaluated: evaluated[0], Proof: proof, Bits: 4}
			if name == "curious" {
				answer.LookUp.Bits = 24
			}
		default:
			var rows []lookup.Row
			if name == "knowing" {
				row, err := known.Row([]byte("ask"))
				if err != nil {
					t.Error(err)
				}
				rows = append(rows, row)
			}
			if name == "boastful" { // it knows the prefix and no more
				rows = append(rows, make(lookup.Row, lookup.RowSize))
			}
			rows, err := lookup.Bucket(m.LookUp.Prefix, 4, lookup.BucketSize, rows)
			if err != nil {
				t.Error(err)
			}
			answer.Outcome, answer.LookUp = "looked-up", &federation.LookedUp{Rows: rows, More: name == "endless"}
			if name == "silent-of-it" {
				answer.LookUp = nil
			}
		}
		return a.other.Says(t, name, attest.TypAxleAnswer, answer, to), http.StatusOK
	})
	var orders []string
	for _, name := range names {
		orders = append(orders, a.order(name, func(o *attest.AxleOrder) {
			o.LookUp = &attest.AxleLookUp{Question: "a.b.c", Scheme: "national-number", Identifier: number}
		}))
	}
	says := a.asks(orders...)
	for _, name := range names {
		s := says[name]
		answered := name == "knowing" || name == "not-knowing" || name == "boastful" || name == "over-quota" || name == "endless"
		if s.Answered != answered || (identified[name] > 0) != (name == "knowing") || (len(s.Answer.Providers) > 0) != (name == "knowing") {
			t.Errorf("%s: %d identified questions, %+v", name, identified[name], s)
		}
	}
	if steps["older"] != 0 || steps["another-key"] != 1 || steps["curious"] != 1 || steps["endless"] != 65 {
		t.Errorf("%v", steps)
	}
	if s := says["over-quota"]; s.Answer.Outcome != "over-quota" || s.Answer.Because == "" {
		t.Errorf("%+v", s)
	}
	// With no identified question ordered, whoever is known is matched and no more.
	s := a.asks(a.order("knowing", func(o *attest.AxleOrder) {
		o.Question, o.LookUp = "", &attest.AxleLookUp{Question: "a.b.c", Scheme: "national-number", Identifier: number}
	}))["knowing"]
	if !s.Answered || s.Answer.Outcome != "matched" || identified["knowing"] != 1 {
		t.Errorf("%+v, %d", s, identified["knowing"])
	}
}
