package consent

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Where somebody else gave their word for a person, what it says is theirs as well: it is
// held from the person until somebody of the agency that controls it has looked, and
// told or left out with the reason as they decide (SUB-01, SUB-13).

// Held is somebody else's part in a consent, which the person has not been told.
type Held struct {
	Consent   ident.ConsentID
	Handle    ident.HandleID
	From      time.Time
	Authority Authority
	Withheld  string // why it was left out; empty while nobody has looked
}

// ListHeld is what of a column that the caller is a member of is held, what nobody has
// looked at first. It is for those who may publish there; any other column is the same
// Forbidden.
func (s *Service) ListHeld(ctx context.Context, caller decide.Caller, id ident.Column) (all []Held, err error) {
	defer fault.Wrap(&err, "consent.ListHeld")
	at := s.now()
	if _, err := mayPublish(caller, at); err != nil {
		return nil, err
	}
	if column := caller.Terms.FindColumn(id, at); column == nil || !caller.MemberOf(column) {
		return nil, fault.New(fault.Forbidden, "name an open column that you are a member of")
	}
	rows, err := s.queries.ListHeld(ctx, s.db, id)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		all = append(all, Held{r.ConsentID, r.HandleID, r.StartsAt.UTC(), Authority(r.Authority), r.Withheld})
	}
	return all, nil
}

// Outcomes of a review of what is held.
const (
	Release  = "release"
	Withhold = "withhold"
)

// Review says whether the person is told of somebody else's part in a consent. What was
// left out can be told later; what was told is told. NotKnown where the caller's agency
// controls no such consent, or nobody else has a part in it; Conflict for what has been
// said already.
func (s *Service) Review(ctx context.Context, caller decide.Caller, id ident.ConsentID, outcome, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "consent.Review")
	at := s.now()
	role, err := mayPublish(caller, at)
	if err != nil {
		return Receipt{}, err
	}
	var c checks
	c.that(slices.Contains([]string{Release, Withhold}, outcome), "/outcome", "write release or withhold")
	c.that(decide.Has(caller.Terms.Codes.Reasons, reason), "/reason", "name a reason of the partnership's list")
	if err := c.fault(); err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		held, err := s.queries.FindHeld(ctx, tx, consentdb.FindHeldParams{ConsentID: id, AgencyID: caller.Agency})
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotKnown, "nothing of your agency's with this id is held: list it with GET /consent/v1/held")
		} else if err != nil {
			return err
		}
		r := begin(review, caller, role, at)
		r.Handle, r.Held, r.Consent, r.Outcome, r.Reason = held.HandleID, held.AgencyID, id, outcome, reason
		if receipt, err = s.append(ctx, tx, &r); err != nil {
			return err
		}
		n, err := s.queries.InsertReview(ctx, tx, consentdb.InsertReviewParams{ActID: r.Act, ConsentID: ident.UntypedID(id), At: at, Outcome: outcome, Reason: reason})
		if err == nil && n == 0 {
			return fault.New(fault.Conflict, "somebody has said so already: read what is held again")
		}
		return err
	})
	return receipt, err
}
