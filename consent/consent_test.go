package consent_test

import (
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

// shown is the kind, the detail and the fields of a fault: what leaves the hub.
func shown(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return ""
	}
	return fmt.Sprint(f.Kind, f.Detail, f.Fields)
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	whole := consent.Config{DB: new(sql.DB), Keys: new(seal.File), Proofs: new(attest.Verifier), Now: time.Now}
	_, err := consent.New(whole)
	must(t, err)
	for field := range reflect.TypeFor[consent.Config]().Fields() {
		c := whole
		reflect.ValueOf(&c).Elem().FieldByIndex(field.Index).SetZero()
		if _, err := consent.New(c); err == nil || !strings.Contains(err.Error(), "set "+field.Name) {
			t.Errorf("without %s: %v", field.Name, err)
		}
	}
}

func TestACapturedConsentReadsBackAsItWasGiven(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for name, audience := range map[string]decide.Audience{
		"partnership": {Kind: decide.ToPartnership},
		"agencies":    {Kind: decide.ToAgencies, Names: []string{"school", "police"}},
		"columns":     {Kind: decide.ToColumns, Names: []string{"school-roll"}},
	} {
		req := h.yes(alice, "gp-people")
		req.Audience = audience
		req.Explicit = name == "columns"
		got, err := h.consent.Capture(t.Context(), alice, req)
		must(t, err)
		if got.Consent.IsZero() || got.Act.IsZero() || len(got.Commitment) != 32 {
			t.Fatalf("%s: the receipt lacks something: %+v", name, got)
		}
		c, err := h.consent.Find(t.Context(), alice, got.Consent)
		must(t, err)
		if audience.Names == nil {
			audience.Names = []string{}
		}
		want := consent.Consent{
			ID: got.Consent, Explicit: req.Explicit, Audience: audience, Purposes: req.Purposes, Aspects: req.Aspects,
			From: noon, Until: req.Until, Evidence: req.Evidence, Wording: req.Wording, CapturedBy: "gp",
			Commitment: got.Commitment,
		}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, c, want)
		}
	}
}

func TestEveryChangeLeavesOneActWithItsKeyAndItsCommitment(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given := h.capture(alice, "gp-people")
	taken, err := h.consent.Withdraw(t.Context(), amir, given.Consent, consent.RecordedCall)
	must(t, err)
	out := h.exclude(alice, "gp-people", "police")
	in, err := h.consent.Include(t.Context(), amir, out.Exclusion, consent.Electronic)
	must(t, err)

	common := []string{"act", "kind", "at", "practitioner", "agency", "role", "terms_version", "handle", "held", "evidence"}
	for kind, want := range map[string]struct {
		consent.Receipt
		who     string
		members []string
	}{
		"capture":  {given.Receipt, "alice", append(slices.Clone(common), "consent", "agreed")},
		"withdraw": {taken, "amir", append(slices.Clone(common), "consent")},
		"exclude":  {out.Receipt, "alice", append(slices.Clone(common), "exclusion", "excluded")},
		"include":  {in, "amir", append(slices.Clone(common), "exclusion", "excluded")},
	} {
		var l leaf.Leaf
		var who, role string
		var version int64
		var pending bool
		err := h.admin.QueryRowContext(t.Context(), `
			select a.commitment, a.sealed, k.wrapped, a.practitioner_id, a.role, a.terms_version,
			       exists (select from ledger.pending p where p.commitment = a.commitment)
			  from consent.acts a join consent.content_keys k on k.record_id = a.act_id
			 where a.act_id = $1 and a.kind = $2`, want.Act, kind).
			Scan(&l.Commitment, &l.Sealed, &l.WrappedKey, &who, &role, &version, &pending)
		must(t, err)
		if string(l.Commitment) != string(want.Commitment) || !pending {
			t.Errorf("%s: the ledger does not have the receipt's commitment", kind)
		}
		if who != want.who || role != "practitioner" || version != 7 {
			t.Errorf("%s: act of %s as %s under terms %d", kind, who, role, version)
		}
		var record map[string]any
		must(t, leaf.Open(t.Context(), h.keys, consent.RecordsKey, want.Act, l, &record))
		if got := slices.Sorted(maps.Keys(record)); !slices.Equal(got, slices.Sorted(slices.Values(want.members))) {
			t.Errorf("%s: the record holds %v", kind, got)
		}
	}
	for _, table := range []string{"consent.acts", "consent.content_keys", "ledger.pending"} {
		if n := h.count(table); n != 4 {
			t.Errorf("%s has %d rows after 4 changes", table, n)
		}
	}
}

func TestTheSealedRecordHoldsTheTermsOfTheConsent(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given := h.capture(alice, "gp-people")
	var l leaf.Leaf
	must(t, h.admin.QueryRowContext(t.Context(), `select a.commitment, a.sealed, k.wrapped from consent.acts a
		join consent.content_keys k on k.record_id = a.act_id where a.act_id = $1`, given.Act).Scan(&l.Commitment, &l.Sealed, &l.WrappedKey))
	var record struct {
		Agreed json.RawMessage `json:"agreed"`
	}
	must(t, leaf.Open(t.Context(), h.keys, consent.RecordsKey, given.Act, l, &record))
	const want = `{"aspects":["involvement","contact"],"audience":{"kind":"agencies","names":["school"]},"column":"gp-people",` +
		`"explicit":true,"purposes":["support"],"until":"2027-03-02T12:00:00Z","wording":"leaflet-v3"}`
	if string(record.Agreed) != want {
		t.Errorf("got %s", record.Agreed)
	}
}

func TestOnlyThoseWhoMayPublishCaptureWithdrawExcludeAndInclude(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given, out := h.capture(alice, "gp-people"), h.exclude(alice, "gp-people", "police")
	left := alice
	left.Agency = "leaver"
	for name, c := range map[string]struct {
		decide.Caller
		column ident.Column
	}{
		"a role that may only enquire":                        {rita, "gp-people"},
		"a role of an agreement that has ended":               {officer, "police-list"},
		"a publishing role at an agency that is no party":     {caller("pat", "police", "practitioner", "police-desk"), "police-list"},
		"a publishing role at an agency that is no member":    {left, "gp-people"},
		"a publishing role of somebody without any agreement": {caller("x", "nowhere", "practitioner"), "gp-people"},
	} {
		var want string
		for _, try := range []func() error{
			func() error {
				_, err := h.consent.Capture(t.Context(), c.Caller, h.yes(c.Caller, c.column))
				return err
			},
			func() error {
				_, err := h.consent.Exclude(t.Context(), c.Caller, consent.ExclusionRequest{
					Proof: h.proof(c.Caller, c.column), Agency: "school", Evidence: consent.SignedForm})
				return err
			},
			func() error {
				_, err := h.consent.Withdraw(t.Context(), c.Caller, given.Consent, consent.SignedForm)
				return err
			},
			func() error {
				_, err := h.consent.Include(t.Context(), c.Caller, out.Exclusion, consent.SignedForm)
				return err
			},
		} {
			got := wantFault(t, try(), fault.Forbidden)
			if want == "" {
				want = got
			}
			if got != want || !strings.Contains(got, "roles.publish") {
				t.Errorf("%s: not explained, or not alike: %s", name, got)
			}
		}
	}
	if n := h.count("consent.acts"); n != 2 {
		t.Errorf("%d acts, want the 2 of alice", n)
	}
}

func TestAProofThatIsNotTheCallersIsRefusedAlikeForEveryReason(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, _, err := h.keys.Ensure(t.Context(), "sign/other", seal.KindSign)
	must(t, err)
	other := *h
	other.relmgr = attest.NewSigner(h.keys, "sign/other", hubURL)
	good := h.proof(alice, "gp-people")

	type change = func(*attest.HandleProof)
	cases := map[string]struct {
		caller decide.Caller
		proof  string
	}{
		"another person's":     {alice, h.proof(amir, "gp-people")},
		"of my time elsewhere": {alice, h.sign(alice, "gp-people", change(func(p *attest.HandleProof) { p.Agency = "school" }))},
		"for another duty":     {alice, h.sign(alice, "gp-people", change(func(p *attest.HandleProof) { p.Audience = "idmgr" }))},
		"expired":              {alice, h.sign(alice, "gp-people", change(func(p *attest.HandleProof) { p.IssuedAt, p.Expires = noon.Add(-2*time.Minute), noon }))},
		"issued tomorrow": {alice, h.sign(alice, "gp-people", change(func(p *attest.HandleProof) {
			p.IssuedAt, p.Expires = noon.Add(24*time.Hour), noon.Add(24*time.Hour+time.Minute)
		}))},
		"for a closed column":      {alice, h.proof(alice, "gp-old")},
		"for no column":            {alice, h.proof(alice, "nothing")},
		"for a column left since":  {alice, h.proof(alice, "team-list")},
		"signed by another":        {alice, other.proof(alice, "gp-people")},
		"altered":                  {alice, good[:len(good)-8] + "AAAAAAAA"},
		"no proof":                 {alice, "a.b.c"},
		"empty":                    {alice, ""},
		"somebody else's at large": {sue, good},
	}
	const want = "[{/proof ask POST /relmgr/v1/handles for a new proof}]"
	for name, c := range cases {
		req := h.yes(alice, "gp-people")
		req.Proof = c.proof
		_, err := h.consent.Capture(t.Context(), c.caller, req)
		if got := wantFault(t, err, fault.Invalid); !strings.HasSuffix(got, want) {
			t.Errorf("capture, %s: %s", name, got)
		}
		_, err = h.consent.Exclude(t.Context(), c.caller, consent.ExclusionRequest{Proof: c.proof, Agency: "police", Evidence: consent.SignedForm})
		if got := wantFault(t, err, fault.Invalid); !strings.HasSuffix(got, want) {
			t.Errorf("exclude, %s: %s", name, got)
		}
		if c.proof != "" && strings.Contains(err.Error(), c.proof) {
			t.Errorf("%s: the error repeats the proof", name)
		}
	}
	if n := h.count("consent.acts"); n != 0 {
		t.Errorf("%d acts after refusals", n)
	}
}

func TestACaptureThatCannotBeUsedNamesEveryPlaceAndNoValue(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const bad = "zz-unheard-of"
	many := make([]string, 51)
	for i := range many {
		many[i] = "school"
	}
	for name, c := range map[string]struct {
		change  func(*consent.Request)
		pointer string
	}{
		"unknown purpose":   {func(r *consent.Request) { r.Purposes = []string{"support", bad} }, "/purposes"},
		"no purpose":        {func(r *consent.Request) { r.Purposes = nil }, "/purposes"},
		"a purpose twice":   {func(r *consent.Request) { r.Purposes = []string{"support", "support"} }, "/purposes"},
		"unknown aspect":    {func(r *consent.Request) { r.Aspects = []string{bad} }, "/aspects"},
		"no aspect":         {func(r *consent.Request) { r.Aspects = []string{} }, "/aspects"},
		"unknown agency":    {func(r *consent.Request) { r.Audience.Names = []string{bad} }, "/audience/agencies"},
		"agency that left":  {func(r *consent.Request) { r.Audience.Names = []string{"school", "leaver"} }, "/audience/agencies"},
		"no agency":         {func(r *consent.Request) { r.Audience.Names = nil }, "/audience/agencies"},
		"too many agencies": {func(r *consent.Request) { r.Audience.Names = many }, "/audience/agencies"},
		"closed column": {func(r *consent.Request) {
			r.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"gp-old"}}
		}, "/audience/columns"},
		"unknown column": {func(r *consent.Request) {
			r.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"school"}}
		}, "/audience/columns"},
		"partnership with names": {func(r *consent.Request) { r.Audience.Kind = decide.ToPartnership }, "/audience"},
		"no kind of audience":    {func(r *consent.Request) { r.Audience.Kind = "" }, "/audience"},
		"over already":           {func(r *consent.Request) { r.Until = noon }, "/until"},
		"over in a nanosecond":   {func(r *consent.Request) { r.Until = noon.Add(time.Nanosecond) }, "/until"},
		"longer than two years":  {func(r *consent.Request) { r.Until = noon.AddDate(consent.LongestYears, 0, 0).Add(time.Microsecond) }, "/until"},
		"no end":                 {func(r *consent.Request) { r.Until = time.Time{} }, "/until"},
		"explicit, no evidence":  {func(r *consent.Request) { r.Evidence = "" }, "/evidence"},
		"implied, no evidence":   {func(r *consent.Request) { r.Explicit, r.Evidence = false, "none" }, "/evidence"},
		"wording of two words":   {func(r *consent.Request) { r.Wording = "leaflet 3" }, "/wording"},
		"wording from a hyphen":  {func(r *consent.Request) { r.Wording = "-3" }, "/wording"},
		"no wording":             {func(r *consent.Request) { r.Wording = "" }, "/wording"},
		"endless wording":        {func(r *consent.Request) { r.Wording = strings.Repeat("w", 64) }, "/wording"},
	} {
		req := h.yes(alice, "gp-people")
		c.change(&req)
		_, err := h.consent.Capture(t.Context(), alice, req)
		if got := wantFault(t, err, fault.Invalid); !strings.Contains(got, "[{"+c.pointer+" ") || strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %s", name, got)
		}
	}
	_, err := h.consent.Capture(t.Context(), alice, consent.Request{Proof: h.proof(alice, "gp-people")})
	if got := wantFault(t, err, fault.Invalid); strings.Count(got, "{/") != 6 {
		t.Errorf("not every place is named: %s", got)
	}
	if n := h.count("consent.acts") + h.count("ledger.pending"); n != 0 {
		t.Errorf("%d rows after refusals", n)
	}
	for name, change := range map[string]func(*consent.Request){
		"two years to the day": func(r *consent.Request) { r.Until = noon.AddDate(consent.LongestYears, 0, 0) },
		"one-letter wording":   func(r *consent.Request) { r.Wording = "3" },
		"implied":              func(r *consent.Request) { r.Explicit = false },
	} {
		req := h.yes(alice, "gp-people")
		change(&req)
		if _, err := h.consent.Capture(t.Context(), alice, req); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnothersConsentIsAsUnknownAsNone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given, out := h.capture(alice, "gp-people"), h.exclude(alice, "gp-people", "police")
	type tries struct{ find, withdraw, include error }
	ask := func(c decide.Caller, id ident.ConsentID, ex ident.ExclusionID) tries {
		_, find := h.consent.Find(t.Context(), c, id)
		_, withdraw := h.consent.Withdraw(t.Context(), c, id, consent.SignedForm)
		_, include := h.consent.Include(t.Context(), c, ex, consent.SignedForm)
		return tries{find, withdraw, include}
	}
	mine, none, zero := ask(sue, given.Consent, out.Exclusion), ask(sue, ident.NewConsent(), ident.NewExclusion()), ask(sue, ident.ConsentID{}, ident.ExclusionID{})
	for _, pair := range [][3]error{{mine.find, none.find, zero.find}, {mine.withdraw, none.withdraw, zero.withdraw}, {mine.include, none.include, zero.include}} {
		want := wantFault(t, pair[1], fault.NotKnown)
		if wantFault(t, pair[0], fault.NotKnown) != want || wantFault(t, pair[2], fault.NotKnown) != want || pair[0].Error() != pair[1].Error() {
			t.Errorf("told apart: %v, %v", pair[0], pair[1])
		}
	}
	if n := h.count("consent.acts"); n != 2 {
		t.Errorf("%d acts, want 2", n)
	}
	for _, c := range []decide.Caller{alice, amir, rita} { // rita may not publish, and may read
		if _, err := h.consent.Find(t.Context(), c, given.Consent); err != nil {
			t.Errorf("%s cannot find their agency's consent: %v", c.Practitioner, err)
		}
	}
}

// A team's column is one agency's, its people are several agencies': whoever
// captured must be able to withdraw as easily (PUB-12), and their colleagues at
// home learn nothing.
func TestWhoeverCapturedForATeamCanWithdraw(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given, out := h.capture(sam, "team-list"), h.exclude(sam, "team-list", "police")
	_, err := h.consent.Find(t.Context(), sue, given.Consent)
	wantFault(t, err, fault.NotKnown)
	moved := sam
	moved.Agency = "gp"
	for _, c := range []decide.Caller{sam, alice, moved} {
		found, err := h.consent.Find(t.Context(), c, given.Consent)
		must(t, err)
		if found.CapturedBy != "gp" {
			t.Errorf("captured by %s", found.CapturedBy)
		}
	}
	second := h.capture(alice, "gp-people")
	gone := alice
	gone.Agency = "school" // what alice captured for gp stays gp's when she moves
	_, err = h.consent.Find(t.Context(), gone, second.Consent)
	wantFault(t, err, fault.NotKnown)
	_, err = h.consent.Withdraw(t.Context(), sam, given.Consent, consent.SpokenAndNoted)
	must(t, err)
	_, err = h.consent.Include(t.Context(), sam, out.Exclusion, consent.SpokenAndNoted)
	must(t, err)
}

func TestAWithdrawalShowsAtOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	relmgr := h.DB(t, "relmgr")
	given, out := h.capture(alice, "gp-people"), h.exclude(alice, "gp-people", "police")
	published := func() (withdrawn, ended sql.NullTime) {
		must(t, relmgr.QueryRowContext(t.Context(), "select withdrawn_at from consent.published_consents where consent_id = $1", given.Consent).Scan(&withdrawn))
		must(t, relmgr.QueryRowContext(t.Context(), "select ended_at from consent.published_exclusions where exclusion_id = $1 and excluded = 'police'", out.Exclusion).Scan(&ended))
		return withdrawn, ended
	}
	if w, e := published(); w.Valid || e.Valid {
		t.Fatalf("over before they began: %v, %v", w, e)
	}
	*h.now = noon.Add(time.Hour)
	_, err := h.consent.Withdraw(t.Context(), alice, given.Consent, consent.SpokenAndNoted)
	must(t, err)
	_, err = h.consent.Include(t.Context(), alice, out.Exclusion, consent.SpokenAndNoted)
	must(t, err)
	if w, e := published(); !w.Time.Equal(*h.now) || !e.Time.Equal(*h.now) {
		t.Errorf("not shown at once: %v, %v", w, e)
	}
	c, err := h.consent.Find(t.Context(), alice, given.Consent)
	must(t, err)
	if !c.Withdrawn.Equal(*h.now) {
		t.Errorf("read back as withdrawn at %v", c.Withdrawn)
	}
}

func TestASecondWithdrawalGetsTheFirstOnesReceipt(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given, out := h.capture(alice, "gp-people"), h.exclude(alice, "gp-people", "police")
	first, err := h.consent.Withdraw(t.Context(), alice, given.Consent, consent.SpokenAndNoted)
	must(t, err)
	firstIn, err := h.consent.Include(t.Context(), alice, out.Exclusion, consent.SpokenAndNoted)
	must(t, err)
	*h.now = noon.Add(time.Hour)
	second, err := h.consent.Withdraw(t.Context(), amir, given.Consent, consent.SignedForm)
	must(t, err)
	secondIn, err := h.consent.Include(t.Context(), amir, out.Exclusion, consent.SignedForm)
	must(t, err)
	if !reflect.DeepEqual(first, second) || !reflect.DeepEqual(firstIn, secondIn) {
		t.Error("the second withdrawal has a receipt of its own")
	}
	if first.Act == given.Act || h.count("consent.acts") != 4 || h.count("ledger.pending") != 4 {
		t.Error("a withdrawal is one act, of its own")
	}
	c, err := h.consent.Find(t.Context(), alice, given.Consent)
	must(t, err)
	if !c.Withdrawn.Equal(noon) {
		t.Errorf("the first withdrawal was at noon, read back as %v", c.Withdrawn)
	}
}

func TestWithdrawalsAtOnceMakeOneAct(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const callers = 8
	for range 5 {
		before := h.count("consent.acts")
		given, out := h.capture(alice, "gp-people"), h.exclude(alice, "gp-people", "police")
		var wg sync.WaitGroup
		start := make(chan struct{})
		receipts := make([][2]string, callers)
		for i := range callers {
			wg.Go(func() {
				<-start
				w, err := h.consent.Withdraw(t.Context(), alice, given.Consent, consent.SpokenAndNoted)
				if err != nil {
					t.Errorf("withdraw: %v", err)
				}
				in, err := h.consent.Include(t.Context(), alice, out.Exclusion, consent.SpokenAndNoted)
				if err != nil {
					t.Errorf("include: %v", err)
				}
				receipts[i] = [2]string{w.Act.String() + hex.EncodeToString(w.Commitment), in.Act.String() + hex.EncodeToString(in.Commitment)}
			})
		}
		close(start)
		wg.Wait()
		if len(slices.Compact(receipts)) != 1 {
			t.Fatal("callers got different receipts")
		}
		if n := h.count("consent.acts") - before; n != 4 {
			t.Fatalf("%d acts, want 4", n)
		}
	}
	if a, k, p := h.count("consent.acts"), h.count("consent.content_keys"), h.count("ledger.pending"); a != k || a != p {
		t.Errorf("%d acts, %d keys, %d commitments", a, k, p)
	}
}

func TestAnExclusionNamesAnotherMemberAgency(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for name, c := range map[string]struct {
		decide.Caller
		column ident.Column
		agency ident.Agency
	}{
		"my own":            {alice, "gp-people", "gp"},
		"my own, in a team": {sam, "team-list", "school"},
		"the column's":      {sam, "team-list", "gp"},
		"no member":         {alice, "gp-people", "zz-nobody"},
		"no member now":     {alice, "gp-people", "leaver"},
		"none":              {alice, "gp-people", ""},
	} {
		_, err := h.consent.Exclude(t.Context(), c.Caller, consent.ExclusionRequest{
			Proof: h.proof(c.Caller, c.column), Agency: c.agency, Evidence: consent.SignedForm,
		})
		if got := wantFault(t, err, fault.Invalid); !strings.Contains(got, "[{/agency ") || strings.Contains(err.Error(), "zz-") {
			t.Errorf("%s: %s", name, got)
		}
	}
	_, err := h.consent.Exclude(t.Context(), alice, consent.ExclusionRequest{Proof: h.proof(alice, "gp-people"), Agency: "police"})
	if got := wantFault(t, err, fault.Invalid); !strings.Contains(got, "/evidence") {
		t.Error(got)
	}
	if n := h.count("consent.acts"); n != 0 {
		t.Errorf("%d acts after refusals", n)
	}
	h.exclude(alice, "gp-people", "police")
}

func TestAWithdrawalNeedsEvidence(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given, out := h.capture(alice, "gp-people"), h.exclude(alice, "gp-people", "police")
	_, err := h.consent.Withdraw(t.Context(), alice, given.Consent, "none")
	wantFault(t, err, fault.Invalid)
	_, err = h.consent.Include(t.Context(), alice, out.Exclusion, "")
	wantFault(t, err, fault.Invalid)
	if n := h.count("consent.acts"); n != 2 {
		t.Errorf("%d acts, want 2", n)
	}
}

func TestNothingIsStoredWhenTheActCannotBeSealed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given := h.capture(alice, "gp-people")
	must(t, h.keys.Destroy(t.Context(), consent.RecordsKey))
	_, err := h.consent.Capture(t.Context(), alice, h.yes(alice, "gp-people"))
	wantFault(t, err, fault.Internal)
	_, err = h.consent.Withdraw(t.Context(), alice, given.Consent, consent.SignedForm)
	wantFault(t, err, fault.Internal)
	for _, table := range []string{"consent.acts", "consent.consents", "ledger.pending"} {
		if n := h.count(table); n != 1 {
			t.Errorf("%s has %d rows, want 1", table, n)
		}
	}
	if n := h.count("consent.withdrawals"); n != 0 {
		t.Error("a withdrawal without its act")
	}
}
