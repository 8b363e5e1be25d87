package registrar

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

const (
	// RecognitionsPerHour bounds what one practitioner may ask: whoever works with
	// people needs less, and whoever guesses at them more (AUT-13).
	RecognitionsPerHour = 300
	// mostCandidates bounds how many people one look-up compares.
	mostCandidates = 400
)

// Asking is why somebody asks a register.
type Asking struct {
	Purpose string `json:"purpose"`
	Reason  string `json:"reason"`
	Case    string `json:"case,omitempty"`
	// From is who asked, of a recognition that was asked from another hub.
	From *peerAsking `json:"from,omitempty"`
}

// Recognition is the answer to "is this person who they claim to be?". It names at
// most one, and says nothing of any other (AUT-02, AUT-03, AUT-05).
type Recognition struct {
	ID         ident.RecognitionID
	Outcome    match.Kind
	Confidence match.Confidence
	Types      []string // of recognition data that it rests on (REG-03)
	Helps      []match.Evidence
	// Entry is what the caller's agency calls the one determined; it says nothing to
	// any other agency (REG-25).
	Entry          Entry
	SelfRegistered bool
	// CoveredBy is who answered in the place of the register's own registrar (FED-20).
	CoveredBy ident.Registrar
	// Statement is what the caller may show the relationship manager once, within
	// minutes: a compact JWS, empty unless one person is determined.
	Statement string
	// Elsewhere is the same for each other hub that takes this registrar's word.
	Elsewhere []StatementAt
	Receipt
}

// Compared says how one candidate compared with the evidence, without a value of
// either and without a name.
type Compared struct {
	Bits        float64    `json:"bits"`
	Probability float64    `json:"probability"`
	Kin         string     `json:"kin,omitempty"`
	Contradicts []string   `json:"contradicts,omitempty"`
	Fields      []Weighing `json:"fields,omitempty"`
}

// Weighing is one field of a comparison.
type Weighing struct {
	Field string  `json:"field"`
	Level string  `json:"level"`
	Bits  float64 `json:"bits"`
}

func comparedAs(all []match.Explanation) []Compared {
	out := make([]Compared, len(all))
	for n, e := range all {
		out[n] = Compared{Bits: rounded(e.Bits), Probability: rounded(e.Probability), Kin: e.Kin}
		for _, f := range e.Contradicts {
			out[n].Contradicts = append(out[n].Contradicts, f.String())
		}
		for _, w := range e.Fields {
			out[n].Fields = append(out[n].Fields, Weighing{w.Field.String(), w.Level, rounded(w.Bits)})
		}
	}
	return out
}

func rounded(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// mayAsk returns the role in which the caller asks a register: one that an agreement
// in force lets enquire for the purpose, or that keeps the register. It depends on the
// caller and the terms alone: Forbidden or Invalid say why.
func (s *Service) mayAsk(caller decide.Caller, asking Asking, at time.Time) (string, error) {
	var c checks
	c.that(decide.Has(caller.Terms.Codes.Purposes, asking.Purpose), "name one of the partnership's purposes", "/purpose")
	c.that(decide.Has(caller.Terms.Codes.Reasons, asking.Reason), "name one of the partnership's reasons", "/reason")
	if err := c.fault(); err != nil {
		return "", err
	}
	if role, err := s.mayKeep(caller); err == nil {
		return role, nil
	}
	for i := range caller.Terms.Agreements {
		a := caller.Terms.FindAgreement(caller.Terms.Agreements[i].Code, at)
		if a == nil || !slices.Contains(a.Parties, caller.Agency) || !slices.Contains(a.Purposes, asking.Purpose) {
			continue
		}
		if role, ok := caller.RoleAmong(a.Roles.Enquire); ok {
			return role, nil
		}
	}
	return "", fault.New(fault.Forbidden, "registers are for those who may enquire for this purpose: hold a role that an agreement in force, "+
		"to which your agency is a party, lists under roles.enquire")
}

// evidence makes what was given comparable. Invalid where it is not an item of
// evidence each, or nothing is left of it to recognise anybody by.
func evidence(given []Item) (*match.Form, error) {
	var c checks
	for n := range given {
		c.that(given[n].kind() != "", "give exactly one: name, birth, sex, address, phone, email or identifier", "/evidence/%d", n)
	}
	form := match.Normalise(recordOf(given))
	c.that(len(c) > 0 || !form.Empty(), "give something that tells one person from another: letters of a name, a date of birth, an address, a number", "/evidence")
	return form, c.fault()
}

// Recognise compares evidence with a register and records the outcome, whatever it
// is, before it answers. Nothing is linked or joined by it. Errors: Forbidden,
// Invalid, NotKnown, RateLimited.
func (s *Service) Recognise(ctx context.Context, caller decide.Caller, id ident.Register, asking Asking, given []Item) (r Recognition, err error) {
	defer fault.Wrap(&err, "registrar.Recognise")
	began, at := s.clock(), s.now()
	defer func() { s.meter.observe(id, s.clock().Sub(began), err) }()
	role, err := s.mayAsk(caller, asking, at)
	if err != nil {
		return Recognition{}, err
	}
	form, err := evidence(given)
	if err != nil {
		return Recognition{}, err
	}
	r, subject, err := s.compare(ctx, caller, role, id, asking, form, given, at)
	if err != nil || subject.IsZero() { // it is on record before it can be carried anywhere
		return r, err
	}
	to, err := s.hubs(ctx, caller.Terms)
	if err != nil {
		return Recognition{}, err
	}
	r.Statement, r.Elsewhere, err = s.stateRecognition(ctx, asker{caller.Terms.Partnership.Hub, caller.Practitioner, caller.Agency}, to, r, subject, at)
	return r, err
}

// compare compares evidence with a register and records the outcome. Whoever asked from another
// hub is given no reference of the person.
func (s *Service) compare(ctx context.Context, caller decide.Caller, role string, id ident.Register, asking Asking, form *match.Form, given []Item, at time.Time) (r Recognition, subject ident.Subject, err error) {
	register, err := s.served(ctx, s.db, caller, id)
	if err != nil {
		return Recognition{}, subject, err
	}
	if err := s.limit(ctx, caller, at); err != nil {
		return Recognition{}, subject, err
	}
	model, size, err := s.model(ctx, id)
	if err != nil {
		return Recognition{}, ident.Subject{}, err
	}
	found, full, err := s.candidates(ctx, id, form)
	if err != nil {
		return Recognition{}, ident.Subject{}, err
	}
	forms := make([]*match.Form, len(found))
	for n := range found {
		forms[n] = found[n].form
	}
	out := model.Recognise(form, forms, full, size)
	r = Recognition{
		ID: ident.NewRecognition(), Outcome: out.Kind,
		Types: []string{TypeOf("")}, Helps: out.Helps, SelfRegistered: register.SelfRegistered, CoveredBy: s.standIn,
	}
	if out.Candidate >= 0 {
		subject = found[out.Candidate].subject
		if asking.From == nil {
			r.Entry, err = s.entry(ctx, subject, caller.Agency)
		}
		if err != nil {
			return Recognition{}, ident.Subject{}, err
		}
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(recognise, caller, role, at)
		flagged, err := s.queries.IsFlagged(ctx, tx, subject)
		if err != nil {
			return err
		}
		r.Confidence = lower(lower(out.Confidence, register.SelfRegistered), flagged)
		d := deed{
			Recognised: []recognised{{r.ID, id, subject, r.Outcome, r.Confidence, model.Version}},
			Asked:      &asking, Compared: comparedAs(out.Explanations),
		}
		if asking.From == nil {
			d.Named, err = s.name(ctx, tx, a.ID, subject, caller.Agency, r.Entry)
		}
		if err != nil {
			return err
		}
		close := s.comesClose(&out, found)
		if !close.IsZero() {
			d.Evidence = given
		}
		a.Deed = d
		if r.Receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		err = s.queries.InsertRecognition(ctx, tx, registrardb.InsertRecognitionParams{
			RecognitionID: r.ID, ActID: a.ID, RegisterID: id, SubjectID: subject, Outcome: string(r.Outcome),
			Confidence: string(r.Confidence), Model: model.Version,
		})
		if err != nil || close.IsZero() {
			return err
		}
		_, err = s.putTask(ctx, tx, putTask{Kind: Review, Register: id, SubjectA: close, Recognition: r.ID}, ident.ActID{}, 50)
		return err
	})
	return r, subject, err
}

// comesClose is the one candidate that a person is to look at: nothing contradicts it,
// and it is likelier than not, but not sure (AUT-15). Nobody is told that there is one.
func (s *Service) comesClose(out *match.Outcome, found []candidate) ident.Subject {
	if out.Kind != match.UnderDetermined || len(out.Explanations) == 0 {
		return ident.Subject{}
	}
	best := out.Explanations[0]
	if len(best.Contradicts) > 0 || best.Probability < match.Likely {
		return ident.Subject{}
	}
	return found[best.Candidate].subject
}

// name draws what an agency calls a subject, once: what it returns is what this act
// drew.
func (s *Service) name(ctx context.Context, tx *sql.Tx, act ident.ActID, subject ident.Subject, agency ident.Agency, entry Entry) ([]named, error) {
	if subject.IsZero() {
		return nil, nil
	}
	n, err := s.queries.InsertEntry(ctx, tx, registrardb.InsertEntryParams{Entry: string(entry), SubjectID: subject, AgencyID: agency, ActID: act})
	if err != nil || n == 0 {
		return nil, err
	}
	return []named{{subject, agency, entry}}, nil
}

// limit refuses somebody who has asked too often of late.
func (s *Service) limit(ctx context.Context, caller decide.Caller, at time.Time) error {
	n, err := s.queries.CountAsked(ctx, s.db, registrardb.CountAskedParams{
		Practitioner: string(caller.Practitioner), Since: at.Add(-time.Hour), Most: RecognitionsPerHour,
	})
	if err == nil && n >= RecognitionsPerHour {
		f := fault.New(fault.RateLimited, "you have asked registers %d times within an hour: wait, or have a whole list matched by the registrar", RecognitionsPerHour)
		f.RetryAfter = 10 * time.Minute
		return f
	}
	return pg.Fault(err)
}

// candidate is one entry that shares a token with the evidence.
type candidate struct {
	subject ident.Subject
	form    *match.Form
}

// blocks are, for each key, those who share its token, one more than are read at most.
func (s *Service) blocks(ctx context.Context, id ident.Register, keys []match.Key) ([][]ident.Subject, error) {
	p := registrardb.FindCandidatesParams{
		Registrar: s.registrar, Epoch: max(1, s.reading.Load()), Numbers: make([]int32, len(keys)), Bounds: make([]int32, len(keys)),
	}
	for n, k := range keys {
		p.Numbers[n], p.Bounds[n] = int32(n), int32(k.Pass.Bound()+1)
	}
	for {
		var err error
		if p.Tokens, err = s.tokens(ctx, id, keys, epochs{int(p.Epoch), int(p.Epoch)}); err != nil {
			e, unread := s.epochs(ctx, s.db)
			if unread != nil || int32(e.reading) == p.Epoch {
				return nil, err
			}
			p.Epoch = int32(e.reading) // that key was destroyed since
			continue
		}
		rows, err := s.queries.FindCandidates(ctx, s.db, p)
		if err != nil {
			return nil, pg.Fault(err)
		}
		if reading := rows[0].Reading; reading != p.Epoch { // the look-ups have changed over
			p.Epoch = reading
			s.reading.Store(reading)
			continue
		}
		blocks := make([][]ident.Subject, len(keys))
		for _, r := range rows {
			if r.N >= 0 {
				blocks[r.N] = append(blocks[r.N], ident.Subject(r.SubjectID))
			}
		}
		return blocks, nil
	}
}

// candidates are the entries that share a token with the form. A token that too many
// share tells nobody apart and is not read: which passes that befell is said.
func (s *Service) candidates(ctx context.Context, id ident.Register, form *match.Form) (all []candidate, full [match.Passes]bool, err error) {
	keys := form.Keys()
	blocks, err := s.blocks(ctx, id, keys)
	if err != nil {
		return nil, full, err
	}
	seen := map[ident.Subject]bool{}
	var subjects []ident.UntypedID
	for n, block := range blocks { // the most telling ways of looking come first
		pass := keys[n].Pass
		if len(block) > pass.Bound() || len(seen)+len(block) > mostCandidates {
			full[pass] = true
			continue
		}
		for _, subject := range block {
			if !seen[subject] {
				seen[subject] = true
				subjects = append(subjects, ident.UntypedID(subject))
			}
		}
	}
	profiles, err := s.queries.ListProfiles(ctx, s.db, subjects)
	if err != nil {
		return nil, full, pg.Fault(err)
	}
	for _, r := range profiles {
		if r.Shielded {
			continue // as if it were not there
		}
		form, err := s.form(ctx, r.SubjectID, r.Sealed, r.Wrapped, r.WrappedBy)
		if err != nil {
			return nil, full, err
		}
		all = append(all, candidate{r.SubjectID, form})
	}
	return all, full, nil
}

// form opens what is compared of a person.
func (s *Service) form(ctx context.Context, subject ident.Subject, sealed, wrapped []byte, by string) (*match.Form, error) {
	dek, err := s.keys.Unwrap(ctx, seal.KeyID(by), subject[:], wrapped)
	if err != nil {
		return nil, err
	}
	record, err := openProfile(dek, subject, sealed)
	if err != nil {
		return nil, err
	}
	return match.Normalise(record), nil
}

// RecordCheck is the answer to "do the data in these records refer to that person?"
// (AUT-06).
type RecordCheck struct {
	Answer     string
	Confidence match.Confidence
	Receipt
}

// The answers of a RecordCheck.
const (
	SamePerson    = "same-person"
	NotThatPerson = "not-the-same-person"
	CannotSay     = "cannot-say"
)

// CheckRecord compares evidence with one entry, which the caller's agency has a
// reference for, and with no other. Errors: Recognise's.
func (s *Service) CheckRecord(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, asking Asking, given []Item) (c RecordCheck, err error) {
	defer fault.Wrap(&err, "registrar.CheckRecord")
	at := s.now()
	role, err := s.mayAsk(caller, asking, at)
	if err != nil {
		return RecordCheck{}, err
	}
	form, err := evidence(given)
	if err != nil {
		return RecordCheck{}, err
	}
	register, err := s.served(ctx, s.db, caller, id)
	if err != nil {
		return RecordCheck{}, err
	}
	found, err := s.find(ctx, s.db, caller, id, entry)
	if err != nil {
		return RecordCheck{}, err
	}
	model, size, err := s.model(ctx, id)
	if err != nil {
		return RecordCheck{}, err
	}
	profiles, err := s.queries.ListProfiles(ctx, s.db, []ident.UntypedID{ident.UntypedID(found.SubjectID)})
	if err != nil {
		return RecordCheck{}, pg.Fault(err)
	}
	var forms []*match.Form
	for _, r := range profiles {
		if r.Shielded {
			continue
		}
		f, err := s.form(ctx, r.SubjectID, r.Sealed, r.Wrapped, r.WrappedBy)
		if err != nil {
			return RecordCheck{}, err
		}
		forms = append(forms, f)
	}
	out := model.Recognise(form, forms, [match.Passes]bool{}, size)
	c = RecordCheck{Answer: CannotSay, Confidence: lower(out.Confidence, register.SelfRegistered)}
	switch {
	case out.Kind == match.Determined:
		c.Answer = SamePerson
	case len(out.Explanations) > 0 && len(out.Explanations[0].Contradicts) > 0:
		c.Answer = NotThatPerson
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(checkRecord, caller, role, at)
		a.Deed = deed{
			Asked: &asking, Compared: comparedAs(out.Explanations),
			Checked: &checked{Register: id, Subject: found.SubjectID, Answer: c.Answer},
		}
		c.Receipt, err = s.Append(ctx, tx, &a)
		return err
	})
	return c, err
}

// Explained is a recognition as those who keep the register see it.
type Explained struct {
	ID         ident.RecognitionID
	At         time.Time
	Outcome    match.Kind
	Confidence match.Confidence
	Model      string
	Asking
	Candidates []Compared
	Evidence   []Item // of one that a person is to look at
}

// Explain shows those who keep the register why a recognition came out as it did, and
// records that it did. Errors: Forbidden, NotKnown, Invalid.
func (s *Service) Explain(ctx context.Context, caller decide.Caller, id ident.Register, recognition ident.RecognitionID, reason string) (e Explained, err error) {
	defer fault.Wrap(&err, "registrar.Explain")
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason)
	if err != nil {
		return Explained{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		row, err := s.queries.FindRecognition(ctx, tx, registrardb.FindRecognitionParams{RecognitionID: recognition, RegisterID: id})
		if errors.Is(err, sql.ErrNoRows) {
			err = notThere("recognition")
		}
		if err != nil {
			return err
		}
		var said struct {
			Deed deed `json:"deed"`
		}
		l := leaf.Leaf{Commitment: row.Commitment, Sealed: row.Sealed, WrappedKey: row.Wrapped}
		if err := leaf.Open(ctx, s.keys, RecordsKey, row.ActID, l, &said); err != nil {
			return err
		}
		came := said.Deed.Recognised[0]
		e = Explained{
			ID: recognition, At: row.At.UTC(), Outcome: came.Outcome, Confidence: came.Confidence, Model: came.Model,
			Asking: *said.Deed.Asked, Candidates: said.Deed.Compared, Evidence: said.Deed.Evidence,
		}
		a := s.Begin(explain, caller, role, at)
		a.Deed = deed{Checked: &checked{Register: id, Recognition: recognition}, Reason: reason}
		_, err = s.Append(ctx, tx, &a)
		return err
	})
	return e, err
}
