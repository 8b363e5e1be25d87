package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// A trust mark is the hub's word that another meets what a kind of mark stands for, such as
// that it keeps the floor of quality (OpenID Federation 1.1, section 7; docs/decisions/0106).
// An officer gives it, for a peer in force and until a day, and an officer takes it back.

// The steps of a mark.
const (
	issueMark  = "issue-mark"
	revokeMark = "revoke-mark"
)

// The bounds of marks. What is signed of one lives shorter than the keys of before are
// stated (keys.go), so that it can be verified as long as it lives; its subject asks again.
const (
	markLives    = 24 * time.Hour
	mostMarkDays = 400
)

// markStep is what an act is about a mark.
type markStep struct {
	Mark    ident.ActID `json:"mark"`
	Step    string      `json:"step"`
	Kind    string      `json:"kind,omitempty"`
	Subject string      `json:"subject,omitempty"`
	Expires *time.Time  `json:"expires,omitempty"`
}

// MarkChange is a mark after a step, and the step's record.
type MarkChange struct {
	Receipt
	Mark    ident.ActID
	Type    string // its address among hubs
	Subject string
	Expires time.Time
	Status  string // active or revoked
}

// IssueMark gives a peer in force a mark of a kind until a day.
func (s *Service) IssueMark(ctx context.Context, c decide.Caller, kind, subject string, until time.Time) (out MarkChange, err error) {
	defer fault.Wrap(&err, "federation.IssueMark")
	if err := needOfficer(c); err != nil {
		return out, err
	}
	until = until.UTC().Truncate(time.Second)
	if now := s.now(); !until.After(now) || until.After(now.AddDate(0, 0, mostMarkDays)) {
		return out, fault.At("/until", "write an end that is to come, within %d days", mostMarkDays)
	}
	p, err := s.q.FindPeer(ctx, s.db, subject)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return out, pg.Fault(err)
	}
	if err != nil || !inForce(p.Ours) {
		return out, fault.At("/subject", "name a peer that this hub has confirmed: GET %s/peers has them", Prefix)
	}
	a := s.by(c, issueMark, officer)
	a.Mark = &markStep{Mark: a.Act, Step: issueMark, Kind: kind, Subject: subject, Expires: &until}
	out = MarkChange{Mark: a.Act, Type: s.markType(kind), Subject: subject, Expires: until, Status: entity.MarkActive}
	out.Receipt, err = s.mark(ctx, a, federationdb.AppendMarkParams{
		Kind: nullText(kind), Subject: nullText(subject), ExpiresAt: sql.NullTime{Time: until, Valid: true},
	})
	return out, err
}

// RevokeMark takes a mark back, at once. Errors: NotKnown; Conflict for one that is revoked.
func (s *Service) RevokeMark(ctx context.Context, c decide.Caller, id ident.ActID, reason string) (out MarkChange, err error) {
	defer fault.Wrap(&err, "federation.RevokeMark")
	if err := needOfficer(c); err != nil {
		return out, err
	}
	if err := needReason(c, reason); err != nil {
		return out, err
	}
	m, err := s.q.FindMark(ctx, s.db, id)
	if errors.Is(err, sql.ErrNoRows) {
		return out, fault.New(fault.NotKnown, "name a mark as issuing it gave it")
	} else if err != nil {
		return out, pg.Fault(err)
	}
	a := s.by(c, revokeMark, officer)
	a.Mark, a.Reason = &markStep{Mark: id, Step: revokeMark}, reason
	out = MarkChange{Mark: id, Type: s.markType(m.Kind), Subject: m.Subject, Expires: m.ExpiresAt, Status: entity.MarkRevoked}
	out.Receipt, err = s.mark(ctx, a, federationdb.AppendMarkParams{})
	if pg.Constraint(err) == "mark_is_issued_and_revoked_once" {
		return out, fault.New(fault.Conflict, "it is revoked already")
	}
	return out, err
}

// mark records a step of a mark: the act and its line, or nothing.
func (s *Service) mark(ctx context.Context, a *act, p federationdb.AppendMarkParams) (r Receipt, err error) {
	p.ActID, p.MarkID, p.Step = a.Act, a.Mark.Mark, a.Mark.Step
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if r, err = s.record(ctx, tx, a); err != nil {
			return err
		}
		return s.q.AppendMark(ctx, tx, p)
	})
	return r, err
}

// markType is the address of a kind of mark, below the hub's own.
func (s *Service) markType(kind string) string { return registers.Name(s.hub, "marks", kind) }

// kindOf is the kind that an address is of.
func (s *Service) kindOf(address string) (string, error) {
	kind, ok := strings.CutPrefix(address, s.markType(""))
	if !ok || kind == "" || len(kind) > 63 {
		return "", errNoMark()
	}
	return kind, nil
}

func errNoMark() *fault.Error {
	return fault.New(fault.NotKnown, "this hub has given no such mark: its configuration names the kinds that it gives")
}

// TrustMark is a mark that a subject has, signed for a day (section 8.6).
func (s *Service) TrustMark(ctx context.Context, kind, subject string) (text string, err error) {
	defer fault.Wrap(&err, "federation.TrustMark")
	code, err := s.kindOf(kind)
	if err != nil {
		return "", err
	}
	at := s.now()
	rows, err := s.q.ListMarks(ctx, s.db, federationdb.ListMarksParams{Kind: code, Subject: subject, Now: at})
	if err != nil {
		return "", pg.Fault(err)
	}
	if len(rows) == 0 || subject == "" {
		return "", errNoMark()
	}
	m := entity.Mark{Issuer: s.hub, Subject: subject, Type: kind, ID: rows[0].MarkID.String(), IssuedAt: at.Unix(), Expires: min(at.Add(markLives).Unix(), rows[0].ExpiresAt.Unix())}
	return s.signs(ctx, entity.MarkTyp, m)
}

// Marked lists who has a mark of a kind that holds; with a subject, that one or nobody
// (section 8.5).
func (s *Service) Marked(ctx context.Context, kind, subject string) (all []string, err error) {
	defer fault.Wrap(&err, "federation.Marked")
	code, err := s.kindOf(kind)
	if err != nil {
		return nil, err
	}
	rows, err := s.q.ListMarks(ctx, s.db, federationdb.ListMarksParams{Kind: code, Subject: subject, Now: s.now()})
	if err != nil {
		return nil, pg.Fault(err)
	}
	all = []string{}
	for _, r := range rows {
		all = append(all, r.Subject)
	}
	return all, nil
}

// MarkStatus says, signed, how a mark stands that the hub has signed (section 8.4). What it has
// not, and what is none, is not known.
func (s *Service) MarkStatus(ctx context.Context, text string) (_ string, err error) {
	defer fault.Wrap(&err, "federation.MarkStatus")
	hub, err := s.identity(ctx)
	if err != nil {
		return "", err
	}
	payload, err := hub.known.Verify(text, entity.MarkTyp)
	var m entity.Mark
	if err != nil || json.Unmarshal(payload, &m) != nil || m.Issuer != s.hub {
		return "", errNoMark().Because(err)
	}
	id, err := ident.ParseAct(m.ID)
	if err != nil {
		return "", errNoMark()
	}
	found, err := s.q.FindMark(ctx, s.db, id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNoMark()
	} else if err != nil {
		return "", pg.Fault(err)
	}
	at := s.now()
	said := entity.MarkStatus{Issuer: s.hub, IssuedAt: at.Unix(), Mark: text, Status: entity.MarkActive}
	switch {
	case found.Revoked:
		said.Status = entity.MarkRevoked
	case at.Unix() >= m.Expires || !at.Before(found.ExpiresAt):
		said.Status = entity.MarkExpired
	}
	return s.signs(ctx, entity.StatusTyp, said)
}

// markIssuers are the kinds of mark that this hub gives, and it alone.
func (s *Service) markIssuers(ctx context.Context) (map[string][]string, error) {
	kinds, err := s.q.ListMarkKinds(ctx, s.db)
	if err != nil || len(kinds) == 0 {
		return nil, pg.Fault(err)
	}
	out := map[string][]string{}
	for _, kind := range kinds {
		out[s.markType(kind)] = []string{s.hub}
	}
	return out, nil
}
