package registrar_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

// process is another process of the same registrar.
func (h *hub) process() *registrar.Service {
	h.t.Helper()
	s, err := registrar.New(registrar.Config{Registrar: "county", DB: h.db, Keys: h.keys, Now: func() time.Time { return *h.now }, Registerer: prometheus.NewRegistry(),
		SecondLevel: map[string]string{"births": h.births.URL}})
	must(h.t, err)
	return s
}

// crowd enters so many people from a file, and is how each is known.
func (h *hub) crowd(id ident.Register, n int) func(n int) []registrar.Item {
	h.t.Helper()
	person := func(n int) []registrar.Item {
		sum := sha256.Sum256([]byte(strconv.Itoa(n)))
		word := func(b []byte) string { return base32.StdEncoding.EncodeToString(b) }
		return []registrar.Item{
			name(word(sum[:5]), word(sum[5:10])), numbered(fmt.Sprintf("P%06d", n)),
			born(time.Date(1930, 1, 1+int(binary.BigEndian.Uint16(sum[10:])%30000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)),
		}
	}
	_, bulk := h.approve(id, n)
	for first := 1; first <= n; first += 300 {
		p := registrar.ImportPart{First: first, Last: min(first+299, n)}
		for line := p.First; line <= p.Last; line++ {
			p.Lines = append(p.Lines, lineOf(line, person(line)...))
		}
		entered, _, err := h.registrar.ImportPart(h.t.Context(), other, id, bulk, p)
		must(h.t, err)
		if entered != p.Last-p.First+1 {
			h.t.Fatalf("%d of a part were entered", entered)
		}
	}
	return person
}

// column is the values of a query of one column.
func (h *hub) column(query string) map[string]bool {
	h.t.Helper()
	rows, err := h.admin.QueryContext(h.t.Context(), query)
	must(h.t, err)
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var v sql.NullString
		must(h.t, rows.Scan(&v))
		if v.Valid {
			all[v.String] = true
		}
	}
	must(h.t, rows.Err())
	return all
}

const tokensQuery = "select token::text from registrar.tokens union all select token::text from registrar.identifiers union all select token_b::text from registrar.identifiers"

// DCP-10, REG-10: the key of the tokens by which people are found is replaced, twice,
// while three processes recognise people, enter and change them and import more.
// Everybody is found at every moment, nobody is refused who would not have been, and
// nobody gets a number that is another's. Afterwards nothing stands that an old key made,
// and with the old keys destroyed all goes on.
func TestEverybodyIsFoundBeforeDuringAndAfterTheirTokensAreReplaced(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	const many = 400
	person := h.crowd("town", many)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	turns, fresh := 0, 0
	turn := func() int {
		mu.Lock()
		defer mu.Unlock()
		turns++
		return turns
	}
	var clients sync.WaitGroup
	for c := range 3 {
		s := h.process()
		clients.Go(func() {
			for n := c; ctx.Err() == nil; n++ {
				asker := caller(ident.Practitioner(fmt.Sprintf("dee-%d-%d", c, n/200)), "gp", "worker")
				who := person(1 + n*37%many)
				r, err := s.Recognise(ctx, asker, "town", why, who)
				if err == nil && r.Outcome != match.Determined {
					t.Errorf("one of the register's people: %s", r.Outcome)
				} else if err != nil && ctx.Err() == nil {
					t.Errorf("recognise: %v", err)
				}
				if _, err := s.Register(ctx, keeper, "town", who); ctx.Err() == nil && fault.KindOf(err) != fault.Conflict {
					t.Errorf("somebody else gets the same number: %v", err)
				}
				if _, err := s.Register(ctx, keeper, "town", person(10_000*(c+1)+n)); err != nil && ctx.Err() == nil {
					t.Errorf("enter: %v", err)
				} else if err == nil {
					mu.Lock()
					fresh++
					mu.Unlock()
				}
				turn()
			}
		})
	}
	for epoch := 1; epoch <= 2; epoch++ {
		for from := turn(); turn() < from+15; {
			if ctx.Err() != nil {
				t.Fatal(ctx.Err())
			}
			h.count("select count(pg_sleep(0.005))::int")
		}
		old := h.column(tokensQuery)
		must(t, h.registrar.RotateTokens(t.Context(), func(string, int, int) {}))
		for token := range h.column(tokensQuery) {
			if old[token] {
				t.Fatalf("after rotation %d a token of before stands", epoch)
			}
		}
		key := seal.KeyID(fmt.Sprintf("duty/registrar/tokens/%d", epoch))
		if gone, err := h.registrar.DestroyRetired(t.Context()); err != nil || len(gone) != 0 {
			t.Errorf("destroyed while backups need it: %v, %v", gone, err)
		}
		if gone, err := h.registrar.DestroyRetired(t.Context(), key); err != nil || len(gone) != 1 || gone[0] != key {
			t.Errorf("destroyed %v, %v", gone, err)
		}
	}
	stop()
	clients.Wait()
	for n := 1; n <= many; n += 50 {
		asker := caller(ident.Practitioner(fmt.Sprintf("doc-%d", n)), "gp", "worker")
		if r, err := h.registrar.Recognise(t.Context(), asker, "town", why, person(n)); err != nil || r.Outcome != match.Determined {
			t.Errorf("after two rotations: %s, %v", r.Outcome, err)
		}
	}
	if n := h.count("select count(*) from registrar.profiles where oldest <> 3 or newest <> 3"); n != 0 {
		t.Errorf("%d people have tokens of other epochs", n)
	}
	if n := h.count("select count(*) from registrar.identifiers where token is null or token_b is not null or oldest <> 3 or newest <> 3"); n != 0 {
		t.Errorf("%d numbers have tokens of other epochs", n)
	}
	if n := h.count("select count(*) from registrar.identifiers"); n < many+fresh { // one may have been entered and not heard of it
		t.Errorf("%d numbers of %d people", n, many+fresh)
	}
	t.Logf("%d turns, %d people entered meanwhile", turns, fresh)
}

// A rotation that ends in any of its steps is carried on by whoever comes next, and
// everybody is found in between, by a process that has heard of it or not.
func TestAStoppedReplacementOfTokensIsCarriedOn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	person := h.crowd("town", 300)
	asleep := h.process()
	steps := 0
	for stopAt := 1; ; stopAt++ {
		ctx, stop := context.WithCancel(t.Context())
		steps = 0
		err := h.process().RotateTokens(ctx, func(string, int, int) {
			if steps++; steps == stopAt {
				stop()
			}
		})
		stop()
		if steps < stopAt {
			must(t, err)
			break
		}
		for n, s := range []*registrar.Service{asleep, h.process()} {
			asker := caller(ident.Practitioner(fmt.Sprintf("doc-%d", stopAt)), "gp", "worker")
			if r, err := s.Recognise(t.Context(), asker, "town", why, person(stopAt)); err != nil || r.Outcome != match.Determined {
				t.Fatalf("stopped at step %d, process %d: %s, %v", stopAt, n, r.Outcome, err)
			}
		}
		h.enter("town", person(1000+stopAt)...)
		_, err = h.registrar.Register(t.Context(), keeper, "town", person(1000+stopAt))
		wantKind(t, err, fault.Conflict)
	}
	if h.count("select reading from registrar.token_epochs") < 2 {
		t.Error("nothing was replaced")
	}
	if n := h.count("select count(*) from registrar.profiles p, registrar.token_epochs e where e.reading <> e.writing or p.oldest <> e.reading or p.newest <> e.reading or e.reading < 2"); n != 0 {
		t.Errorf("%d people have tokens of other epochs", n)
	}
}

// REG-17: what has to be found again for years does not rest on the key of tokens. Checks
// on one entry of another register are listed together when that key was replaced and
// destroyed between them, and an import goes on as the one that it was; also where
// they were made by the key of tokens, as releases before this one did.
func TestWhatIsFoundAgainLaterOutlivesTheKeyOfTokens(t *testing.T) {
	t.Parallel()
	for _, before := range []bool{false, true} {
		t.Run(fmt.Sprintf("by an earlier release %v", before), func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.open("town")
			one, two := h.enter("town", name("Ada", "Byron"), born("1990-12-31")), h.enter("town", name("Ida", "Lovell"), born("1990-12-31"))
			approval, bulk := h.approve("town", 5)
			h.births.entry("Ada", "B1")
			h.check(one, "births")
			if before {
				for query, text := range map[string]string{
					"update registrar.checks set rested_on = $1":  "fame/check/1\x00births\x00B1",
					"update registrar.imports set file_hash = $1": "fame/import/1\x00" + fmt.Sprintf("%x", [32]byte{1}),
				} {
					mac, err := h.keys.MAC(t.Context(), registrar.TokensKey, []byte(text))
					must(t, err)
					_, err = h.admin.ExecContext(t.Context(), query, mac[:])
					must(t, err)
				}
			}
			must(t, h.registrar.RotateTokens(t.Context(), func(string, int, int) {}))
			if !before {
				_, err := h.registrar.DestroyRetired(t.Context(), registrar.TokensKey)
				must(t, err)
			}
			h.births.entry("Ida", "B1")
			second := h.check(two, "births")
			failed, err := h.registrar.FailCheck(t.Context(), keeper, "town", second.Check, "asked")
			must(t, err)
			if len(failed.Entries) != 2 {
				t.Errorf("%d entries rested on the one that was wrong, want 2", len(failed.Entries))
			}
			again, err := h.registrar.StartImport(t.Context(), other, "town", approval, [32]byte{1})
			must(t, err)
			if again.ID != bulk {
				t.Error("the same file is another import")
			}
		})
	}
}

// A copy of the keys from before the look-ups changed over finds nobody any more, and
// says what to do; no answer passes for "nobody".
func TestACopyOfOlderKeysSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Ada", "Byron"), born("1990-12-31"), numbered("P1")}
	h.enter("town", known...)
	must(t, h.registrar.RotateTokens(t.Context(), func(string, int, int) {}))
	s, err := registrar.New(registrar.Config{Registrar: "county", DB: h.db, Keys: without{h.keys, "duty/registrar/tokens/2"}, Now: func() time.Time { return *h.now }, Registerer: prometheus.NewRegistry()})
	must(t, err)
	_, err = s.Recognise(t.Context(), doctor, "town", why, known)
	wantKind(t, err, fault.Unavailable)
}

// without is a key file that one key is missing of.
type without struct {
	seal.Provider
	id seal.KeyID
}

func (w without) MAC(ctx context.Context, id seal.KeyID, msg []byte) ([32]byte, error) {
	if id == w.id {
		return [32]byte{}, errors.Join(seal.ErrNoKey)
	}
	return w.Provider.MAC(ctx, id, msg)
}
