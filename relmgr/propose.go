package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Own names a person as the caller's own column does.
type Own struct {
	Column     ident.Column
	Identifier Identifier
}

// Proposal is the decision that a named person of the holding agency puts to
// the four steps.
type Proposal struct {
	Agreement  string            `json:"agreement"`
	Power      string            `json:"power"`
	Purposes   []string          `json:"purposes"`
	Aspects    []string          `json:"aspects"`
	Audience   decide.Audience   `json:"audience"`
	Necessary  bool              `json:"necessary"`
	Safeguards bool              `json:"safeguards"`
	Aim        string            `json:"aim"`
	Ground     decide.Ground     `json:"ground"`
	Reason     string            `json:"reason,omitempty"`
	Consents   []ident.ConsentID `json:"consents,omitempty"`
	Conditions decide.Conditions `json:"conditions"`
	Until      time.Time         `json:"until"`

	Review         time.Time         `json:"review,omitzero"` // zero: as late as may be
	Concerning     decide.Concerning `json:"concerning,omitempty"`
	Welfare        bool              `json:"welfare,omitempty"`
	Detriment      decide.Detriment  `json:"detriment,omitempty"`
	Order          string            `json:"order,omitempty"`
	OrderReference string            `json:"order_reference,omitempty"`
	Override       *decide.Override  `json:"override,omitempty"`

	// confidence is that of the statement that a correlation rests on.
	confidence decide.Confidence
}

// held is one of the caller's own identifiers, looked up.
type held struct {
	column     *decide.Column
	tokens     tokens
	identifier Identifier
	handle     ident.HandleID // zero while the identifier has none
}

// own resolves what the caller names without making a handle: a proposal that
// is refused leaves nothing behind but the refusal.
func (s *Service) own(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, o Own, at time.Time) (held, error) {
	c, err := s.column(who, o.Column, at)
	if err != nil {
		return held{}, err
	}
	if err := o.Identifier.check(c); err != nil {
		return held{}, err
	}
	h := held{column: c, identifier: o.Identifier}
	if h.tokens, h.handle, err = s.find(ctx, db, c, o.Identifier); err != nil {
		return held{}, err
	}
	return h, s.holdOn(ctx, db, h.handle)
}

// holdOn keeps a handle that was found from being erased while the transaction
// says something of it. One that was erased meanwhile is looked up anew.
func (s *Service) holdOn(ctx context.Context, db relmgrdb.DBTX, handle ident.HandleID) error {
	if handle.IsZero() {
		return nil
	}
	_, err := s.q.HoldHandle(ctx, db, handle)
	if errors.Is(err, sql.ErrNoRows) {
		return pg.ErrRetry
	}
	return pg.Fault(err)
}

// find looks the handle of an identifier up, zero for none, by the tokens that
// it returns.
func (s *Service) find(ctx context.Context, db relmgrdb.DBTX, c *decide.Column, identifier Identifier) (tokens, ident.HandleID, error) {
	for range maxReads {
		t, err := s.keys.tokens(ctx, c, string(identifier))
		if err != nil {
			return t, ident.HandleID{}, err
		}
		found, err := s.q.FindHandle(ctx, db, relmgrdb.FindHandleParams{ColumnID: string(c.ID), Token: t.a, TokenB: t.b})
		if err != nil {
			return t, ident.HandleID{}, pg.Fault(err)
		}
		if found.Reading == t.reading {
			return t, found.HandleID, nil
		}
		s.keys.forget(c.ID)
	}
	return tokens{}, ident.HandleID{}, unavailable("the keys of the column are changing: try again")
}

// keep makes the handle if the identifier has none, and fills it in.
func (s *Service) keep(ctx context.Context, db relmgrdb.DBTX, h *held) error {
	if !h.handle.IsZero() {
		return nil
	}
	p, err := s.keys.newHandle(ctx, h.column, h.tokens, string(h.identifier))
	if err != nil {
		return err
	}
	if err := s.q.KeepHandle(ctx, db, p); err != nil {
		return s.stale(err, h.column.ID)
	}
	if h.tokens, h.handle, err = s.find(ctx, db, h.column, h.identifier); err != nil {
		return err
	}
	if h.handle.IsZero() { // its column's keys changed between the two statements
		return pg.ErrRetry
	}
	return s.holdOn(ctx, db, h.handle)
}

// stale reads an error of storing a handle. Where its keys are no longer in use
// they are forgotten, and the transaction that starts over looks them up.
func (s *Service) stale(err error, columns ...ident.Column) error {
	if outdated(err) {
		for _, c := range columns {
			s.keys.forget(c)
		}
	}
	return pg.Fault(err)
}

// hold takes a proposal through the four steps for one of the caller's own
// identifiers.
func (s *Service) hold(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, h held, what decide.Deed, mode decide.Mode, p Proposal, at time.Time) (sided, error) {
	if err := known(who.Terms, p); err != nil {
		return sided{}, err
	}
	rows, err := s.q.ListConsents(ctx, db, texts(p.Consents))
	if err != nil {
		return sided{}, pg.Fault(err)
	}
	said, err := s.q.FindWishes(ctx, db, ident.UntypedID(h.handle))
	if err != nil {
		return sided{}, pg.Fault(err)
	}
	proposal := proposalOf(h.column, what, mode, p, personal{facts(p.Consents, rows, h.handle), said.Refused, said.CreatorOnly})
	v := sided{ID: ident.NewDecision(), Handle: h.handle, Consents: p.Consents, OrderReference: p.OrderReference}
	v.Decision = who.Terms.Hold(who.Actor, proposal, at)
	v.against = said.Refused
	v.wants = v.StoppedAt() == decide.StepConfidentiality && who.Terms.WantsConsent(who.Actor, proposal, at)
	return v, nil
}

// personal is what a decision must know of the person behind a handle.
type personal struct {
	consents             []decide.Consent
	refused, creatorOnly bool
}

// proposalOf is a proposal about a column as it goes through the four steps.
func proposalOf(c *decide.Column, what decide.Deed, mode decide.Mode, p Proposal, said personal) decide.Proposal {
	return decide.Proposal{
		Deed: what, Mode: mode, Column: c, Agreement: p.Agreement, Power: p.Power, Purposes: p.Purposes,
		Aspects: p.Aspects, Audience: p.Audience, Necessary: p.Necessary, Safeguards: p.Safeguards, Aim: p.Aim,
		Ground: p.Ground, Reason: p.Reason, Consents: said.consents, Conditions: p.Conditions,
		Until: p.Until.UTC().Truncate(time.Microsecond), Review: p.Review.UTC().Truncate(time.Microsecond),
		Concerning: p.Concerning, Welfare: p.Welfare, Detriment: p.Detriment, Order: p.Order, Override: p.Override,
		Confidence: p.confidence, Refused: said.refused, CreatorOnly: said.creatorOnly,
	}
}

// facts pairs each consent named with what consent publishes of it. One that
// is not there, or is for another handle, is simply not the caller's: nothing
// tells which.
func facts(named []ident.ConsentID, rows []relmgrdb.ConsentPublishedConsent, handle ident.HandleID) []decide.Consent {
	out := make([]decide.Consent, len(named))
	for i, id := range named {
		out[i].ID = id
		for _, r := range rows {
			if r.ConsentID != id || handle.IsZero() || r.HandleID != handle {
				continue
			}
			out[i] = decide.Consent{
				ID: id, Mine: true, Explicit: r.Explicit, Purposes: r.Purposes, Aspects: r.Aspects,
				Audience: decide.Audience{Kind: decide.AudienceKind(r.AudienceKind), Names: r.Audience},
				Starts:   r.StartsAt, Ends: r.EndsAt,
			}
			if r.WithdrawnAt.Valid {
				out[i].Withdrew = &r.WithdrawnAt.Time
			}
		}
	}
	return out
}

// known refuses codes that the partnership has not declared, before anything
// is recorded: the index holds closed codes only.
func known(t *decide.Terms, p Proposal) error {
	switch {
	case !t.HasAgreement(p.Agreement):
		return fault.At("/decision/agreement", "name one of the partnership's agreements")
	case !t.HasPower(p.Power):
		return fault.At("/decision/power", "name one of the partnership's powers")
	case !decide.HasAll(t.Codes.Purposes, p.Purposes):
		return fault.At("/decision/purposes", "name purposes of the partnership's list")
	case !decide.HasAll(t.Codes.Aspects, p.Aspects):
		return fault.At("/decision/aspects", "name aspects of the partnership's list")
	case !decide.Has(t.Codes.Aims, p.Aim):
		return fault.At("/decision/proportionality/aim", "name an aim of the partnership's list")
	case p.Reason != "" && !decide.Has(t.Codes.Reasons, p.Reason):
		return fault.At("/decision/reason", "name a reason of the partnership's list")
	case p.Order != "" && !decide.Has(t.Profile.Orders, p.Order):
		return fault.At("/decision/order/kind", "name a kind of order of the law profile, and its reference")
	case p.Override != nil && p.Override.Risk != "" && !decide.Has(t.Codes.Risks, p.Override.Risk):
		return fault.At("/decision/override/risk", "name a risk of the partnership's list")
	case !t.HasAudience(p.Audience):
		return fault.At("/decision/audience", "name members and columns of the partnership")
	}
	return nil
}

// refuse records that a step stopped a proposal, and returns what to tell the
// caller. No handle is named: a refusal leaves nothing about a person behind.
func (s *Service) refuse(ctx context.Context, tx *sql.Tx, who decide.Caller, mode decide.Mode, v sided, at time.Time) (error, error) {
	v.Handle, v.Audience = ident.HandleID{}, decide.Audience{Kind: decide.ToPartnership, Names: []string{}}
	return s.refused(ctx, tx, who, mode, v, at)
}

// refuseOrAsk is refuse for a proposal about one of the caller's own
// identifiers. Where it lacks nothing but a consent, the refusal names the
// handle and what is to be agreed to, and consent takes it from there: it reads
// relmgr.consent_wanted whenever its requests are read (PUB-10). The request has
// the decision's id. One for the same was not answered within a day is not made
// again.
func (s *Service) refuseOrAsk(ctx context.Context, tx *sql.Tx, who decide.Caller, mode decide.Mode, h *held, v sided, at time.Time) (error, error) {
	if !v.wants {
		return s.refuse(ctx, tx, who, mode, v, at)
	}
	if err := s.keep(ctx, tx, h); err != nil {
		return nil, err
	}
	asked, err := s.q.FindWanted(ctx, tx, relmgrdb.FindWantedParams{
		HandleID: h.handle, Ground: string(v.Ground), AudienceKind: string(v.Audience.Kind), Audience: v.Audience.Names,
		Purposes: v.Purposes, Aspects: v.Aspects, Since: at.Add(-askAgainAfter),
	})
	var refused error
	switch {
	case err == nil:
		refused, err = s.refuse(ctx, tx, who, mode, v, at)
	case errors.Is(err, sql.ErrNoRows):
		asked, v.Handle = v.ID, h.handle
		refused, err = s.refused(ctx, tx, who, mode, v, at)
	default:
		err = pg.Fault(err)
	}
	if f, ok := errors.AsType[*fault.Error](refused); ok {
		f.Asks = asked.String()
	}
	return refused, err
}

// askAgainAfter is how long one request for a consent stands for all that
// propose the same.
const askAgainAfter = 24 * time.Hour

func (s *Service) refused(ctx context.Context, tx *sql.Tx, who decide.Caller, mode decide.Mode, v sided, at time.Time) (error, error) {
	role := v.Role
	if role == "" {
		role = who.AnyRole()
	}
	d := begin(who, Refuse, role, at)
	d.Mode, d.Agreement, d.Ground = mode, v.Agreement, v.Ground
	v.Consents = nil
	d.Decisions = []sided{v}
	receipt, err := s.record(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	return onRecord(stoppedBy(&v.Decision), receipt.Commitment), nil
}
