package entity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fame-hub/fame/federation/entity"
)

var now = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

// world is a federation of entities that state what the test has them state. It is their
// Source, and counts what is asked of it.
type world struct {
	t      testing.TB
	keys   map[string]*ecdsa.PrivateKey
	config map[string]*entity.Statement
	about  map[string]*entity.Statement // "superior subject"
	asked  int
}

func newWorld(t testing.TB) *world {
	return &world{t: t, keys: map[string]*ecdsa.PrivateKey{}, config: map[string]*entity.Statement{}, about: map[string]*entity.Statement{}}
}

func id(name string) string { return "https://" + name + ".example" }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// add makes an entity below its superiors.
func (w *world) add(name string, superiors ...string) *entity.Statement {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	w.keys[name] = key
	own := w.keySet(name)
	s := &entity.Statement{
		Issuer: id(name), Subject: id(name), IssuedAt: now.Unix(), Expires: now.Add(24 * time.Hour).Unix(), Keys: &own,
		Metadata: entity.Metadata{entity.Hub: {"version": 1, "log_key": name}, entity.FederationEntity: {"organization_name": name}},
	}
	w.config[id(name)] = s
	for _, superior := range superiors {
		s.AuthorityHints = append(s.AuthorityHints, id(superior))
		w.about[id(superior)+" "+id(name)] = &entity.Statement{
			Issuer: id(superior), Subject: id(name), IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(), Keys: &own,
		}
	}
	return s
}

func (w *world) keySet(names ...string) entity.Keys {
	w.t.Helper()
	var list []jose.JSONWebKey
	for _, name := range names {
		list = append(list, jose.JSONWebKey{Key: &w.keys[name].PublicKey, KeyID: name})
	}
	keys, err := entity.NewKeys(list...)
	w.must(err)
	return keys
}

func (w *world) sign(by, typ string, claims any) string {
	w.t.Helper()
	name := strings.TrimSuffix(strings.TrimPrefix(by, "https://"), ".example")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.keys[name], KeyID: name}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	w.must(err)
	payload, err := json.Marshal(claims)
	w.must(err)
	signed, err := signer.Sign(payload)
	w.must(err)
	text, err := signed.CompactSerialize()
	w.must(err)
	return text
}

func (w *world) Configuration(_ context.Context, of string) (string, error) {
	w.asked++
	s, ok := w.config[of]
	if !ok {
		return "", entity.ErrAway
	}
	return w.sign(of, entity.Typ, s), nil
}

func (w *world) About(_ context.Context, superior *entity.Statement, subject string) (string, error) {
	w.asked++
	s, ok := w.about[superior.Subject+" "+subject]
	if !ok {
		return "", entity.ErrGone
	}
	return w.sign(superior.Subject, entity.Typ, s), nil
}

func (w *world) anchor(names ...string) (all []entity.Anchor) {
	for _, name := range names {
		all = append(all, entity.Anchor{Entity: id(name), Keys: w.keySet(name)})
	}
	return all
}

func (w *world) build(subject string, anchors ...string) (*entity.Chain, error) {
	return entity.Build(w.t.Context(), w, id(subject), w.anchor(anchors...), now)
}

// region is an anchor, a region below it and a hub below that.
func region(t testing.TB) *world {
	w := newWorld(t)
	w.add("anchor")
	w.add("region", "anchor")
	w.add("leaf", "region")
	return w
}

func zero() *int { return new(int) }

func TestAChainLeadsToAnAnchor(t *testing.T) {
	t.Parallel()
	w := region(t)
	c, err := w.build("leaf", "anchor")
	w.must(err)
	if c.Subject != id("leaf") || c.Anchor != id("anchor") || len(c.Statements) != 4 || !c.Expires.Equal(now.Add(time.Hour)) || c.Metadata[entity.Hub]["log_key"] != "leaf" {
		t.Errorf("%+v", c)
	}
	// Anchors may be several: whichever it leads to.
	w.add("other")
	if c, err = w.build("leaf", "other", "region"); err != nil || c.Anchor != id("region") || len(c.Statements) != 3 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = w.build("anchor", "anchor"); err != nil || len(c.Statements) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// What a superior states holds: its metadata in the subject's place, its policy, and the
// types that it allows.
func TestSuperiorsHaveTheirSay(t *testing.T) {
	t.Parallel()
	w := region(t)
	w.about[id("region")+" "+id("leaf")].Metadata = entity.Metadata{entity.Hub: {"log_key": "as the region says"}, entity.Registrar: {"x": "y"}}
	w.about[id("region")+" "+id("leaf")].Policy = entity.Policy{entity.Hub: {"contact": {"default": "desk"}}}
	w.about[id("anchor")+" "+id("region")].Policy = entity.Policy{entity.Hub: {"version": {"one_of": []any{1, 2}}, "area": {"value": "county"}}}
	c, err := w.build("leaf", "anchor")
	w.must(err)
	m := c.Metadata[entity.Hub]
	if m["log_key"] != "as the region says" || m["contact"] != "desk" || m["area"] != "county" || c.Metadata[entity.Registrar] != nil {
		t.Errorf("%v", c.Metadata)
	}
	types := []string{entity.Registrar}
	w.about[id("anchor")+" "+id("region")].Constraints = &entity.Constraints{EntityTypes: &types}
	if c, err = w.build("leaf", "anchor"); err != nil || c.Metadata[entity.Hub] != nil || c.Metadata[entity.FederationEntity] == nil {
		t.Errorf("%v, %v", c, err)
	}
}

// Every chain that is not to be relied on is refused (issue 7: the table of refusals).
func TestChainsThatAreRefused(t *testing.T) {
	t.Parallel()
	about := func(w *world) *entity.Statement { return w.about[id("region")+" "+id("leaf")] }
	above := func(w *world) *entity.Statement { return w.about[id("anchor")+" "+id("region")] }
	for name, c := range map[string]struct {
		change func(*world)
		with   error
	}{
		"a suspended hub in the chain":     {func(w *world) { delete(w.about, id("anchor")+" "+id("region")) }, entity.ErrGone},
		"nothing stated about the subject": {func(w *world) { delete(w.about, id("region")+" "+id("leaf")) }, entity.ErrGone},
		"a superior that is away":          {func(w *world) { delete(w.config, id("region")) }, entity.ErrAway},
		"an expired statement":             {func(w *world) { about(w).Expires = now.Unix() }, entity.ErrRefused},
		"a statement of the future":        {func(w *world) { about(w).IssuedAt = now.Add(2 * time.Minute).Unix() }, entity.ErrRefused},
		"a statement that lives for ever":  {func(w *world) { about(w).Expires = now.AddDate(5, 0, 0).Unix() }, entity.ErrRefused},
		"a configuration that has expired": {func(w *world) { w.config[id("region")].Expires = now.Unix() - 1 }, entity.ErrRefused},
		"keys that are not the subject's":  {func(w *world) { w.add("thief"); k := w.keySet("thief"); about(w).Keys = &k }, entity.ErrRefused},
		"no keys of the subject":           {func(w *world) { about(w).Keys = nil }, entity.ErrRefused},
		"an anchor with other keys":        {func(w *world) { w.keys["anchor"] = w.keys["leaf"] }, entity.ErrRefused},
		"a policy conflict": {func(w *world) {
			above(w).Policy = policy("log_key", "value", "a")
			about(w).Policy = policy("log_key", "value", "b")
		}, entity.ErrRefused},
		"metadata outside the policy":           {func(w *world) { above(w).Policy = policy("log_key", "one_of", []any{"a"}) }, entity.ErrRefused},
		"an essential parameter that is absent": {func(w *world) { above(w).Policy = policy("contact", "essential", true) }, entity.ErrRefused},
		"a critical operator that nobody knows": {func(w *world) {
			above(w).Policy = policy("log_key", "regexp", "a")
			above(w).PolicyCritical = []string{"regexp"}
		}, entity.ErrRefused},
		"a critical claim that nobody knows":      {func(w *world) { about(w).Critical = []string{"fame_new"} }, entity.ErrRefused},
		"more intermediates than are allowed":     {func(w *world) { above(w).Constraints = &entity.Constraints{MaxPathLength: zero()} }, entity.ErrRefused},
		"a name that is excluded":                 {func(w *world) { above(w).Constraints = naming(nil, []string{"leaf.example"}) }, entity.ErrRefused},
		"a name that is not permitted":            {func(w *world) { above(w).Constraints = naming([]string{"region.example"}, nil) }, entity.ErrRefused},
		"a superior that speaks of its superiors": {func(w *world) { about(w).AuthorityHints = []string{id("anchor")} }, entity.ErrRefused},
		"a configuration with a policy":           {func(w *world) { w.config[id("leaf")].Policy = policy("log_key", "value", "a") }, entity.ErrRefused},
		"another's statement":                     {func(w *world) { about(w).Subject = id("region") }, entity.ErrRefused},
		"hints that lead in a circle": {func(w *world) {
			w.config[id("region")].AuthorityHints = []string{id("leaf"), id("region")}
			w.about[id("leaf")+" "+id("region")] = above(w)
		}, entity.ErrRefused},
		"a hint that is no address": {func(w *world) { w.config[id("leaf")].AuthorityHints = []string{"file:///etc/passwd"} }, entity.ErrRefused},
		"a hint without https":      {func(w *world) { w.config[id("leaf")].AuthorityHints = []string{"http://region.example"} }, entity.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := region(t)
			anchors := w.anchor("anchor")
			c.change(w)
			chain, err := entity.Build(t.Context(), w, id("leaf"), anchors, now)
			if chain != nil || !errors.Is(err, c.with) {
				t.Errorf("%v, %v; want %v", chain, err, c.with)
			}
		})
	}
}

func policy(parameter, operator string, v any) entity.Policy {
	return entity.Policy{entity.Hub: {parameter: {operator: v}}}
}

func naming(permitted, excluded []string) *entity.Constraints {
	return &entity.Constraints{Naming: &entity.NamingConstraints{Permitted: permitted, Excluded: excluded}}
}

// A billion laughs: each of many superiors hints at all of the others. The search ends, at a
// bounded number of fetches, and finds the anchor if it is near.
func TestAFloodOfHintsEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("anchor")
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("h%d", i))
	}
	for _, name := range names {
		w.add(name, names...)
	}
	w.add("leaf", names...)
	if _, err := w.build("leaf", "anchor"); !errors.Is(err, entity.ErrRefused) {
		t.Errorf("%v", err)
	}
	if w.asked > 41 {
		t.Errorf("%d statements were fetched", w.asked)
	}
	w.add("leaf", append(names, "anchor")...)
	if _, err := w.build("leaf", "anchor"); err != nil {
		t.Errorf("the anchor stands last among the hints: %v", err)
	}
	long := newWorld(t)
	long.add("anchor")
	above := "anchor"
	for i := range 12 {
		long.add(fmt.Sprintf("i%d", i), above)
		above = fmt.Sprintf("i%d", i)
	}
	if _, err := long.build(above, "anchor"); !errors.Is(err, entity.ErrRefused) {
		t.Errorf("a chain of fourteen: %v", err)
	}
}

// Superiors that lead in a circle are asked once each.
func TestACircleIsWalkedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("anchor")
	for _, name := range []string{"a", "b", "c"} {
		w.add(name, "a", "b", "c")
	}
	if _, err := w.build("a", "anchor"); !errors.Is(err, entity.ErrRefused) || w.asked > 11 {
		t.Errorf("%v, after %d statements", err, w.asked)
	}
}

// A chain that somebody else has put together is verified as one that was built; one that
// was changed anywhere, is not.
func TestEveryChangedByteOfAChainIsRefused(t *testing.T) {
	t.Parallel()
	w := region(t)
	c, err := w.build("leaf", "anchor")
	w.must(err)
	a := w.anchor("anchor")[0]
	if _, err := entity.Verify(c.Statements, a, now); err != nil {
		t.Fatal(err)
	}
	for i, text := range c.Statements {
		for at := 0; at < len(text); at += 7 {
			changed := append([]string{}, c.Statements...)
			other := byte('A')
			if text[at] == 'A' {
				other = 'B'
			}
			changed[i] = text[:at] + string(other) + text[at+1:]
			if _, err := entity.Verify(changed, a, now); err == nil {
				t.Fatalf("byte %d of statement %d was changed", at, i)
			}
		}
	}
	for _, wrong := range [][]string{nil, c.Statements[:2], c.Statements[1:], {c.Statements[0], c.Statements[2], c.Statements[1], c.Statements[3]}, append(c.Statements, c.Statements[3])} {
		if _, err := entity.Verify(wrong, a, now); !errors.Is(err, entity.ErrRefused) {
			t.Errorf("%d statements: %v", len(wrong), err)
		}
	}
	inAnothersName := append([]string{}, c.Statements...)
	about := *w.about[id("region")+" "+id("leaf")]
	about.Issuer = id("anchor")
	inAnothersName[1] = w.sign(id("region"), entity.Typ, about)
	if _, err := entity.Verify(inAnothersName, a, now); !errors.Is(err, entity.ErrRefused) {
		t.Errorf("a superior that speaks in another's name: %v", err)
	}
	if _, err := entity.Verify(c.Statements, a, c.Expires); !errors.Is(err, entity.ErrRefused) {
		t.Error("it outlives its first statement to end")
	}
}

// Keys are looked at before anything is believed of them.
func TestKeySetsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := `{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	if _, err := entity.ParseKeys([]byte(`{"keys":[` + good + `]}`)); err != nil {
		t.Fatal(err)
	}
	if k, err := entity.ParseKeys([]byte(`{"keys":[` + good + `,{"kty":"OKP","crv":"X25519","kid":"b","x":"AA"}]}`)); err != nil || len(k.IDs()) != 1 {
		t.Errorf("a key of another kind is left out: %v, %v", k.IDs(), err)
	}
	for _, wrong := range []string{
		`{}`, `{"keys":[]}`, `{"keys":[` + good + `,` + good + `]}`, `{"keys":[` + strings.Replace(good, `"kid":"a",`, "", 1) + `]}`,
		`{"keys":[` + strings.Replace(good, `"kid"`, `"d":"AA","kid"`, 1) + `]}`, `{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`,
		`{"keys":[` + strings.Replace(good, `"kid"`, `"kid":"c","kid"`, 1) + `]}`, `[]`, `{"keys":[1]}`, `{"keys":[` + strings.Replace(good, "x_FE", "y_FE", 1) + `]}`,
	} {
		if _, err := entity.ParseKeys([]byte(wrong)); !errors.Is(err, entity.ErrRefused) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// A mark is its issuer's word, about its subject, for its time; what it stands for is the
// anchor's to say.
func TestMarksThatAreRefused(t *testing.T) {
	t.Parallel()
	w := region(t)
	kind := id("anchor") + "/marks/tested"
	w.config[id("anchor")].TrustMarkIssuers = map[string][]string{kind: {id("region")}}
	c, err := w.build("leaf", "anchor")
	w.must(err)
	if !c.AcceptsMark(kind, id("region")) || c.AcceptsMark(kind, id("leaf")) || c.AcceptsMark("other", id("region")) {
		t.Error("the anchor names the issuers")
	}
	good := entity.Mark{Issuer: id("region"), Subject: id("leaf"), Type: kind, IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix()}
	keys := w.keySet("region")
	if _, err := entity.OpenMark(w.sign(id("region"), entity.MarkTyp, good), id("leaf"), keys, now); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]func(m *entity.Mark){
		"expired": func(m *entity.Mark) { m.Expires = now.Unix() }, "of the future": func(m *entity.Mark) { m.IssuedAt = now.Add(time.Hour).Unix() },
		"about somebody else": func(m *entity.Mark) { m.Subject = id("region") }, "of no type": func(m *entity.Mark) { m.Type = "" },
	} {
		wrong := good
		m(&wrong)
		if _, err := entity.OpenMark(w.sign(id("region"), entity.MarkTyp, wrong), id("leaf"), keys, now); !errors.Is(err, entity.ErrRefused) {
			t.Errorf("a mark that is %s: %v", name, err)
		}
	}
	if _, err := entity.OpenMark(w.sign(id("region"), entity.Typ, good), id("leaf"), keys, now); err == nil {
		t.Error("a statement is no mark")
	}
	if _, err := entity.OpenMark(w.sign(id("leaf"), entity.MarkTyp, good), id("leaf"), keys, now); err == nil {
		t.Error("signed by itself")
	}
	delegated := map[string]any{"iss": id("region"), "sub": id("leaf"), "trust_mark_type": kind, "iat": now.Unix(), "delegation": "x"}
	if _, err := c.OpenMark(w.sign(id("region"), entity.MarkTyp, delegated), id("leaf"), keys, now); err == nil {
		t.Error("in somebody else's name")
	}
	text := w.sign(id("region"), entity.MarkTyp, good)
	status := entity.MarkStatus{Issuer: id("region"), IssuedAt: now.Unix(), Mark: text, Status: entity.MarkRevoked}
	if s, err := entity.OpenStatus(w.sign(id("region"), entity.StatusTyp, status), id("region"), text, keys, now); err != nil || s != entity.MarkRevoked {
		t.Errorf("%q, %v", s, err)
	}
	for _, change := range []func(*entity.MarkStatus){
		func(s *entity.MarkStatus) { s.Mark = "another" }, func(s *entity.MarkStatus) { s.Issuer = id("leaf") },
		func(s *entity.MarkStatus) { s.IssuedAt = now.Add(-2 * time.Hour).Unix() }, func(s *entity.MarkStatus) { s.Status = "" },
	} {
		wrong := status
		change(&wrong)
		if _, err := entity.OpenStatus(w.sign(id("region"), entity.StatusTyp, wrong), id("region"), text, keys, now); !errors.Is(err, entity.ErrRefused) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// Whatever is sent in place of a statement, it is refused or verified, and never more.
func FuzzStatement(f *testing.F) {
	w := region(f)
	c, err := w.build("leaf", "anchor")
	w.must(err)
	a := w.anchor("anchor")[0]
	for _, text := range c.Statements {
		f.Add(text)
	}
	f.Add("..")
	f.Add(strings.Repeat("A", 70_000))
	good := map[string]bool{}
	for _, text := range c.Statements {
		good[text] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i := range c.Statements {
			changed := append([]string{}, c.Statements...)
			changed[i] = text
			if _, err := entity.Verify(changed, a, now); err == nil && changed[i] != c.Statements[i] {
				t.Fatalf("%q in place of statement %d", text, i)
			} else if err != nil && !errors.Is(err, entity.ErrRefused) {
				t.Fatal(err)
			}
		}
		if _, err := entity.OpenConfiguration(text, id("leaf"), now); err != nil && !errors.Is(err, entity.ErrRefused) {
			t.Fatal(err)
		}
		_, _ = entity.ReadMark(text)
	})
}

// FuzzClaims has whatever is signed be read, policies and constraints above all.
func FuzzClaims(f *testing.F) {
	w := region(f)
	for _, s := range w.config {
		b, err := json.Marshal(s)
		w.must(err)
		f.Add(b)
	}
	above := w.about[id("anchor")+" "+id("region")]
	above.Policy, above.Constraints = policy("log_key", "subset_of", []any{"a"}), naming([]string{".example"}, nil)
	b, err := json.Marshal(above)
	w.must(err)
	f.Add(b)
	config, err := w.Configuration(f.Context(), id("region"))
	w.must(err)
	keys := w.keySet("anchor")
	f.Fuzz(func(t *testing.T, claims []byte) {
		w.t = t
		defer func() { w.t = f }()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.keys["anchor"], KeyID: "anchor"}}, (&jose.SignerOptions{}).WithType(entity.Typ))
		w.must(err)
		signed, err := signer.Sign(claims)
		w.must(err)
		text, err := signed.CompactSerialize()
		w.must(err)
		if s, err := entity.OpenAbout(text, id("anchor"), id("region"), keys, now); err == nil {
			if _, err := s.Policy.Apply(w.config[id("leaf")].Metadata); err != nil && !errors.Is(err, entity.ErrRefused) {
				t.Fatal(err)
			}
		} else if !errors.Is(err, entity.ErrRefused) {
			t.Fatal(err)
		}
		own, err := w.Configuration(t.Context(), id("anchor"))
		w.must(err)
		_, _ = entity.Verify([]string{config, text, own}, w.anchor("anchor")[0], now)
	})
}

// What is fetched comes from nowhere but public addresses, whatever a name resolves to.
func TestStatementsAreFetchedFromPublicAddressesAlone(t *testing.T) {
	t.Parallel()
	for _, local := range []string{"https://127.0.0.1:1", "https://[::1]:1", "https://10.0.0.1:1", "https://169.254.169.254", "https://[fd00::1]:1", "https://[::ffff:127.0.0.1]:1", "https://0.0.0.0:1", "https://localhost:1"} {
		if _, err := entity.NewFetcher(false, nil).Configuration(t.Context(), local); !errors.Is(err, entity.ErrAway) || !strings.Contains(err.Error(), "dial") {
			t.Errorf("%s: %v", local, err)
		}
	}
	for _, wrong := range []string{"ftp://a.example", "https://u@a.example", "https://a.example?x", "https://a.example#x", "//a.example", "https://", "a", "http://a.example"} {
		if err := entity.CheckID(wrong); !errors.Is(err, entity.ErrRefused) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// FED-12: what a chain of four statements costs when it is verified. Kept until it expires,
// it costs a look-up.
func BenchmarkVerifyAChainOfFour(b *testing.B) {
	w := region(b)
	c, err := w.build("leaf", "anchor")
	w.must(err)
	a := w.anchor("anchor")[0]
	for b.Loop() {
		if _, err := entity.Verify(c.Statements, a, now); err != nil {
			b.Fatal(err)
		}
	}
}
