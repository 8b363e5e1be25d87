package registers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/registers"
)

const hub = "https://riverside.example"

var now = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

type stater struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	keys entity.Keys
}

func newStater(t testing.TB) stater {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := entity.NewKeys(jose.JSONWebKey{Key: &key.PublicKey, KeyID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return stater{t, key, keys}
}

func (s stater) sign(claims any) string {
	s.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: "a"}}, (&jose.SignerOptions{}).WithType(registers.Typ))
	if err != nil {
		s.t.Fatal(err)
	}
	b, _ := json.Marshal(claims)
	signed, err := signer.Sign(b)
	if err != nil {
		s.t.Fatal(err)
	}
	text, _ := signed.CompactSerialize()
	return text
}

// everybody answers for something.
var everybody = registers.Responsible{Ownership: "The council", Design: "The council", Operation: "The surgery", Capacity: "The council", Performance: "The surgery"}

// pages are a register of three entries in two pages.
func (s stater) pages(change func(page int, p *registers.Page)) (all []string) {
	s.t.Helper()
	var entries []registers.Entry
	for _, code := range []string{"a", "b", "c"} {
		entries = append(entries, registers.Entry{
			Space: registers.Name(hub, "registrars", code), Title: code, Status: registers.Admitted, Admitted: now, Since: now, Usage: hub + "/federation/v1/usage",
		})
	}
	sum, err := registers.Sum(entries)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, of := range [][]registers.Entry{entries[:2], entries[2:]} {
		p := registers.Page{Issuer: hub, Subject: hub, IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(), Whole: sum, Total: 3, Entries: slices.Clone(of),
			Services: []string{registers.Name(hub, "services", "relmgr")}}
		if i == 0 {
			p.Next = "b"
		}
		if change != nil {
			change(i, &p)
		}
		all = append(all, s.sign(p))
	}
	return all
}

// FED-08: a register is signed as a whole: an entry that was tampered with, left out or brought
// from another state of it has all of it refused.
func TestARegisterIsReliedOnWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := newStater(t)
	r, err := registers.Open(s.pages(nil), hub, s.keys, now)
	if err != nil || len(r.Entries) != 3 || !r.Expires.Equal(now.Add(time.Hour)) {
		t.Fatalf("%+v, %v", r, err)
	}
	for name, change := range map[string]func(int, *registers.Page){
		"an entry changed":  func(i int, p *registers.Page) { p.Entries[0].Status = registers.Removed },
		"an entry left out": func(i int, p *registers.Page) { p.Entries = p.Entries[1:] },
		"of another hub":    func(i int, p *registers.Page) { p.Issuer = "https://other.example" },
		"expired":           func(i int, p *registers.Page) { p.Expires = now.Unix() },
		"of another state":  func(i int, p *registers.Page) { p.Total = 3 + i },
		"without its next":  func(i int, p *registers.Page) { p.Next = "" },
		"of a space not its own": func(i int, p *registers.Page) {
			p.Entries[0].Space = registers.Name("https://other.example", "registrars", "a")
		},
		"a service not its own": func(i int, p *registers.Page) { p.Services = []string{"https://other.example/names/services/relmgr"} },
		"a published service not its own": func(i int, p *registers.Page) {
			p.Offers = []registers.Offer{{Address: "https://other.example/names/services/desk", Title: "Desk", Function: "Answers", Responsible: everybody}}
		},
		"a service that nobody runs": func(i int, p *registers.Page) {
			r := everybody
			r.Operation = ""
			p.Offers = []registers.Offer{{Address: registers.Name(hub, "services", "desk"), Title: "Desk", Function: "Answers", Responsible: r}}
		},
		"of the future":             func(i int, p *registers.Page) { p.IssuedAt = now.Add(time.Hour).Unix() },
		"a last page with one more": func(i int, p *registers.Page) { p.Next = "c" },
	} {
		if _, err := registers.Open(s.pages(change), hub, s.keys, now); !errors.Is(err, registers.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := s.pages(nil)
	for name, pages := range map[string][]string{"none": nil, "one": good[:1], "in another order": {good[1], good[0]}, "twice": {good[0], good[0], good[1]}} {
		if _, err := registers.Open(pages, hub, s.keys, now); !errors.Is(err, registers.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := registers.Open(good, hub, newStater(t).keys, now); !errors.Is(err, registers.ErrRefused) {
		t.Errorf("signed by another: %v", err)
	}
}

// A hub that has admitted no registrar states so, and is believed.
func TestARegisterOfNobodyIsReliedOn(t *testing.T) {
	t.Parallel()
	s := newStater(t)
	sum, err := registers.Sum([]registers.Entry{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := registers.Open([]string{s.sign(registers.Page{Issuer: hub, Subject: hub, IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(), Whole: sum})}, hub, s.keys, now)
	if err != nil || len(r.Entries) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// FED-09, FED-10, FED-28: what a register may say is this list, and there is no room in it for
// a person or for a question about one.
func TestARegisterSaysNothingBesideTheClosedList(t *testing.T) {
	t.Parallel()
	var got []string
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || of == reflect.TypeFor[entity.Keys]() {
			return
		}
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			got = append(got, name)
			walk(of.Field(i).Type)
		}
	}
	walk(reflect.TypeFor[registers.Page]())
	slices.Sort(got)
	got = slices.Compact(got)
	want := []string{
		"address", "admitted", "areas", "at", "capacity", "column_kinds", "design", "entries", "errors_per_mille", "exp", "floor", "function", "iat", "iss", "jwks", "latency_ms", "measured", "next",
		"offers", "operation", "ownership", "per_minute", "performance", "quality", "reach", "recall_per_mille", "responsible", "services", "since", "space", "status", "sub", "title", "total",
		"transactions", "usage", "whole",
	}
	if !slices.Equal(got, want) {
		t.Errorf("a register says %v, want %v and nothing else", got, want)
	}
}

// FED-01: the spaces of two hubs overlap if one lies below the other, and not if their names
// merely begin alike.
func TestSpacesOverlapWhereOneLiesBelowTheOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{{hub, hub, true}, {hub, hub + "/", true}, {hub, hub + "/mill", true}, {hub + "/mill", hub, true}, {hub + "/mill", hub + "/miller", false}, {hub, hub + ".org", false}} {
		if registers.Overlap(c.a, c.b) != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.want)
		}
	}
	if registers.Within(hub, hub+".org/names/x") || registers.Within(hub, hub+"/other/x") || !registers.Within(hub, registers.Name(hub, "x", "y")) {
		t.Error("within")
	}
}

// Whatever is sent in place of a page, all of it is refused, or it is the page.
func FuzzPage(f *testing.F) {
	s := newStater(f)
	good := s.pages(nil)
	f.Add(good[0])
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := registers.Open([]string{text, good[1]}, hub, s.keys, now); err == nil && text != good[0] {
			t.Fatal("another page was accepted")
		} else if err != nil && !errors.Is(err, registers.ErrRefused) {
			t.Fatal(err)
		}
	})
}
