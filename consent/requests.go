package consent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Asked names a new request and the act that recorded it.
type Asked struct {
	Request ident.RequestID
	Receipt
}

// OpenRequest is what a person of one's own column is to be asked.
type OpenRequest struct {
	ID       ident.RequestID
	Handle   ident.HandleID // relmgr's, as it gives it to every member of the column
	Explicit bool
	Audience decide.Audience
	Purposes []string
	Aspects  []string
	Until    time.Time
	AskedAt  time.Time
	AskedBy  ident.Practitioner
}

// Outcome says what came of a request.
type Outcome string

// The outcomes, as in openapi.yaml.
const (
	WasGiven    Outcome = "given"
	WasRefused  Outcome = "refused"
	WasNotAsked Outcome = "not-asked"
)

// answerKinds are the kinds of act that answer a request.
var answerKinds = map[Outcome]string{WasGiven: capture, WasRefused: refuse, WasNotAsked: notAsked}

// Answer is what came of a request, as a practitioner records it. Given and
// refused need evidence; given needs the words shown as well; not asked needs
// a reason instead, one of the partnership's list (LEG-12).
type Answer struct {
	Outcome  Outcome
	Reason   string
	Evidence Evidence
	Wording  string

	Understanding Understanding // given alone, as Proxy and Competence

	Proxy      *Proxy // given alone, as Competence
	Competence *Competence
}

// Answered names the answer's act and, where consent was given, the consent.
type Answered struct {
	Consent ident.ConsentID
	Receipt
}

// Ask records that the person whom the proof's handle stands for is to be
// asked (PUB-10). Evidence and wording belong to the answer. It answers as
// Capture does. A request permits nothing, and neither shows nor publishes
// anything to anybody but the column's members.
func (s *Service) Ask(ctx context.Context, caller decide.Caller, req Request) (asked Asked, err error) {
	defer fault.Wrap(&err, "consent.Ask")
	at := s.now()
	role, err := mayPublish(caller, at)
	if err != nil {
		return Asked{}, err
	}
	handle, column, err := s.proved(ctx, caller, req.Proof, at)
	if err != nil {
		return Asked{}, err
	}
	var c checks
	c.terms(&req, caller.Terms, at)
	if err := c.fault(); err != nil {
		return Asked{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r := begin(ask, caller, role, at)
		r.Handle, r.Held, r.Request, r.Agreed = handle, column.Agency, ident.NewRequest(), req.agreed(column.ID, caller.Terms)
		receipt, err := s.append(ctx, tx, &r)
		if err != nil {
			return err
		}
		asked = Asked{Request: r.Request, Receipt: receipt}
		return s.queries.InsertRequest(ctx, tx, consentdb.InsertRequestParams{
			RequestID: r.Request, ActID: r.Act, HandleID: r.Handle, ColumnID: r.Agreed.Column, AgencyID: r.Held,
			Explicit: r.Agreed.Explicit, AudienceKind: string(r.Agreed.Audience.Kind), Audience: r.Agreed.Audience.Names,
			Purposes: r.Agreed.Purposes, Aspects: r.Agreed.Aspects, EndsAt: r.Agreed.Until, AskedAt: r.At,
		})
	})
	return asked, err
}

// ListRequests lists what is still to be asked of people of a column that the
// caller is a member of now, oldest first, at most so many. Any other column,
// of the partnership or not, is the same Forbidden.
func (s *Service) ListRequests(ctx context.Context, caller decide.Caller, id ident.Column, most int) (open []OpenRequest, err error) {
	defer fault.Wrap(&err, "consent.ListRequests")
	at := s.now()
	column := caller.Terms.FindColumn(id, at)
	if column == nil || !caller.MemberOf(column) {
		return nil, fault.New(fault.Forbidden, "name an open column that you are a member of")
	}
	if err := s.takeIn(ctx, caller.Terms, []string{string(id)}, at); err != nil {
		return nil, err
	}
	rows, err := s.queries.ListOpenRequests(ctx, s.db, consentdb.ListOpenRequestsParams{ColumnID: id, At: at, PageSize: int32(most)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, row := range rows {
		open = append(open, OpenRequest{
			ID: row.RequestID, Handle: row.HandleID, Explicit: row.Explicit,
			Audience: decide.Audience{Kind: decide.AudienceKind(row.AudienceKind), Names: row.Audience},
			Purposes: row.Purposes, Aspects: row.Aspects, Until: row.EndsAt.UTC(), AskedAt: row.AskedAt.UTC(), AskedBy: row.PractitionerID,
		})
	}
	return open, nil
}

// Answer records what came of a request. Given captures the consent as it was
// asked for, in the same transaction and under Capture's rules; the proof was
// brought when it was asked, and the caller must be a member of its column
// now. Refused bars nothing by itself. Not asked keeps its reason, and nothing
// of it reaches the person (LEG-13).
//
// A request has one answer: any further one is Conflict, also when two come at
// once. Unknown and another column's are the same NotKnown.
func (s *Service) Answer(ctx context.Context, caller decide.Caller, id ident.RequestID, answer Answer) (answered Answered, err error) {
	defer fault.Wrap(&err, "consent.Answer")
	at := s.now()
	role, err := mayPublish(caller, at)
	if err != nil {
		return Answered{}, err
	}
	if err := answer.check(caller.Terms, at); err != nil {
		return Answered{}, err
	}
	if err := s.takeIn(ctx, caller.Terms, columnsOf(caller, at), at); err != nil {
		return Answered{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		row, err := s.queries.FindRequest(ctx, tx, consentdb.FindRequestParams{RequestID: id, Columns: columnsOf(caller, at)})
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotKnown, "no request for a column of yours has this id: use an id of your column's list")
		}
		if err != nil {
			return err
		}
		if row.Answered {
			return errAnswered()
		}
		answered, err = s.answer(ctx, tx, begin(answerKinds[answer.Outcome], caller, role, at), caller.Terms, row, answer)
		return err
	})
	return answered, err
}

// errTakenIn says that somebody else took a request in first.
var errTakenIn = errors.New("consent: the request is taken in already")

// takeIn turns what relmgr hands over for these columns into requests: proposals
// that lacked nothing but a consent (PUB-10). It runs whenever requests are
// looked at, so that none is missed however and wherever either duty ended;
// each becomes one request, whoever takes it in, by an act of whoever proposed.
func (s *Service) takeIn(ctx context.Context, terms *decide.Terms, columns []string, at time.Time) error {
	wanted, err := s.queries.ListWanted(ctx, s.db, consentdb.ListWantedParams{Columns: columns, At: at})
	if err != nil {
		return pg.Fault(err)
	}
	for _, w := range wanted {
		column := terms.FindColumn(w.ColumnID, at)
		if column == nil {
			continue
		}
		err := pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
			r := record{
				Act: ident.NewAct(), Kind: ask, At: at, Practitioner: w.PractitionerID, Agency: w.AgencyID, Role: w.Role,
				TermsVersion: terms.Version, Handle: w.HandleID, Held: column.Agency, Request: w.RequestID,
				Agreed: &agreed{
					Column: w.ColumnID, Explicit: w.Explicit, Audience: decide.Audience{Kind: decide.AudienceKind(w.AudienceKind), Names: w.Audience},
					Purposes: w.Purposes, Aspects: w.Aspects, Until: w.Until.UTC(),
				},
			}
			if _, err := s.append(ctx, tx, &r); err != nil {
				return err
			}
			n, err := s.queries.TakeInRequest(ctx, tx, consentdb.TakeInRequestParams{
				RequestID: r.Request, ActID: r.Act, HandleID: r.Handle, ColumnID: w.ColumnID, AgencyID: r.Held, Explicit: w.Explicit,
				AudienceKind: w.AudienceKind, Audience: w.Audience, Purposes: w.Purposes, Aspects: w.Aspects, EndsAt: w.Until, AskedAt: w.At,
			})
			if err == nil && n == 0 {
				return errTakenIn
			}
			return err
		})
		if err != nil && !errors.Is(err, errTakenIn) {
			return err
		}
	}
	return nil
}

func errAnswered() error {
	return fault.New(fault.Conflict, "the request is answered already: record what has changed as a consent, a withdrawal or a new request")
}

// answer puts the answer's act, its consent if one was given, and the answer
// into tx.
func (s *Service) answer(ctx context.Context, tx *sql.Tx, r record, terms *decide.Terms, row consentdb.FindRequestRow, answer Answer) (answered Answered, err error) {
	column := terms.FindColumn(row.ColumnID, r.At)
	r.Handle, r.Held, r.Request, r.Reason = row.HandleID, column.Agency, row.RequestID, answer.Reason
	switch answer.Outcome {
	case WasGiven:
		req := Request{
			Explicit: row.Explicit, Audience: decide.Audience{Kind: decide.AudienceKind(row.AudienceKind), Names: row.Audience},
			Purposes: row.Purposes, Aspects: row.Aspects, Until: row.EndsAt, Evidence: answer.Evidence, Wording: answer.Wording,
			Understanding: answer.Understanding, Proxy: answer.Proxy, Competence: answer.Competence,
		}
		if err := req.check(terms, r.At); err != nil {
			return Answered{}, fault.At("/answer", "what was asked for cannot be agreed to any more: ask anew, under the terms of today").Because(err)
		}
		got, err := s.capture(ctx, tx, &r, column.ID, &req, terms)
		if err != nil {
			return Answered{}, err
		}
		answered = Answered(got)
	case WasRefused, WasNotAsked:
		r.Evidence = answer.Evidence
		if answered.Receipt, err = s.append(ctx, tx, &r); err != nil {
			return Answered{}, err
		}
	}
	n, err := s.queries.InsertAnswer(ctx, tx, consentdb.InsertAnswerParams{
		RequestID: row.RequestID, ActID: r.Act, At: r.At, Answer: string(answer.Outcome),
		Reason: sql.NullString{String: answer.Reason, Valid: answer.Reason != ""}, ConsentID: answered.Consent,
	})
	if err == nil && n == 0 {
		err = errAnswered()
	}
	return answered, err
}

// check says what of the answer cannot be used.
func (a *Answer) check(terms *decide.Terms, at time.Time) error {
	var c checks
	c.that(answerKinds[a.Outcome] != "", "/answer", "write given, refused or not-asked")
	if a.Outcome != WasGiven {
		c.that(a.Understanding == "", "/understanding", "leave it out: it belongs to a consent")
		c.that(a.Proxy == nil, "/proxy", "leave it out: it belongs to a consent")
		c.that(a.Competence == nil, "/competence", "leave it out: it belongs to a consent")
	}
	switch a.Outcome {
	case WasGiven:
		c.evidence(a.Evidence)
		c.wording(a.Wording)
		c.understanding(a.Understanding, terms)
		c.proxy(a.Proxy, a.Competence, terms, at)
		c.that(a.Reason == "", "/reason", "a consent that was given needs no reason: leave it out")
	case WasRefused:
		c.evidence(a.Evidence)
		c.that(a.Wording == "", "/wording", "leave it out: it belongs to a consent")
		c.that(a.Reason == "" || decide.Has(terms.Codes.Reasons, a.Reason), "/reason", "name a reason of the partnership's list, or none")
	case WasNotAsked:
		c.that(a.Evidence == "", "/evidence", "leave it out: nobody was asked")
		c.that(a.Wording == "", "/wording", "leave it out: nobody was asked")
		c.that(decide.Has(terms.Codes.Reasons, a.Reason), "/reason", "say why, as a reason of the partnership's list")
	}
	return c.fault()
}

// columnsOf lists the open columns that the caller is a member of.
func columnsOf(caller decide.Caller, at time.Time) []string {
	names := []string{}
	for i := range caller.Terms.Columns {
		c := caller.Terms.FindColumn(caller.Terms.Columns[i].ID, at)
		if c != nil && caller.MemberOf(c) {
			names = append(names, string(c.ID))
		}
	}
	return names
}
