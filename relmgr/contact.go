package relmgr

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"math/big"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A contact request is how a holder who must stay hidden is reached. It tells
// the asker nothing: one call, one act, one leaf, the same answer, whether it
// goes to many or to nobody. Each holder is addressed by its own handle, at an
// instant drawn for it alone.

const (
	// contactWindow is how long after an enquiry a contact request may follow it.
	contactWindow = 24 * time.Hour
	// A delivery comes at random between these two, so that neither its time nor
	// its place among others tells one holder of another, or of the asker's hour.
	soonestDelivery = time.Minute
	latestDelivery  = 30 * time.Minute
	// replyTime is what a holder has to answer before the request escalates.
	replyTime = 48 * time.Hour
)

// Party is the other side of a contact request: who, and how to reach them.
type Party struct {
	decide.Provider
	AgencyName string
	Contact    decide.ContactRoute
}

// delivery is a request as it reaches one holder.
type delivery struct {
	ID     ident.DeliveryID `json:"delivery"`
	Handle ident.HandleID   `json:"handle"`
	Column ident.Column     `json:"column"`
	Agency ident.Agency     `json:"agency"`
	At     time.Time        `json:"at"`
	Due    time.Time        `json:"due"`
}

// RequestContact asks every holder on the row of an enquiry to contact the
// caller by a route of the column that asked: hidden holders too, where both are
// parties to an agreement under which the caller may ask. The receipt is the
// same whoever is reached, and whether it is the first for this enquiry or a
// later one. An enquiry that is somebody else's, was refused or is over a day
// old gives NotKnown; DecisionRefused says which of the caller's own steps
// fails by now.
func (s *Service) RequestContact(ctx context.Context, who decide.Caller, enquiry ident.EnquiryID, contact string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.RequestContact")
	at := s.stamp()
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil
		e, err := s.ownEnquiry(ctx, tx, who, enquiry, at.Add(-contactWindow), at)
		if err != nil {
			return err
		}
		made, err := s.q.FindContactRequest(ctx, tx, enquiry)
		if err == nil {
			receipt = Receipt{Act: made.ReferenceID, Commitment: made.Commitment}
			return nil
		} else if !errors.Is(err, sql.ErrNoRows) {
			return pg.Fault(err)
		}
		if e.column.Route(contact) == nil {
			return fault.At("/contact", "name a contact route of your column")
		}
		d := begin(who, Contact, e.asking.Role, at)
		d.Enquiry, d.Asking, d.Contact, d.Reason = e.EnquiryID, &e.asking.Decision, contact, e.Reason
		if e.asking.StoppedAt() > 0 {
			d.Kind, d.Role = Refuse, cmp.Or(d.Role, who.AnyRole())
			refusal, err := s.record(ctx, tx, d)
			refused = onRecord(stoppedBy(d.Asking), refusal.Commitment)
			return err
		}
		reached, err := s.holdersOf(ctx, tx, who.Terms, e, at)
		if err != nil {
			return err
		}
		d.Agreement, d.Handles = e.asking.Agreement, []ident.HandleID{e.HandleID}
		for _, h := range reached {
			d.Deliveries = append(d.Deliveries, send(h, at))
		}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		return s.deliver(ctx, tx, d, e.asking.Agreements)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Receipt{}, err
	}
	return receipt, nil
}

// deliver stores a request with its deliveries. Of two who follow one enquiry
// at once the later starts over and finds what the earlier made.
func (s *Service) deliver(ctx context.Context, tx *sql.Tx, d *deed, agreements []string) error {
	p := relmgrdb.RecordContactRequestParams{
		ActID: d.Act, EnquiryID: d.Enquiry, Contact: d.Contact, Agreements: agreements,
		DeliveryIds: []string{}, HandleIds: []string{}, ColumnIds: []string{}, AgencyIds: []string{}, DeliverAts: []string{}, DueAts: []string{},
	}
	for _, v := range d.Deliveries {
		p.DeliveryIds, p.HandleIds = append(p.DeliveryIds, v.ID.String()), append(p.HandleIds, v.Handle.String())
		p.ColumnIds, p.AgencyIds = append(p.ColumnIds, string(v.Column)), append(p.AgencyIds, string(v.Agency))
		p.DeliverAts = append(p.DeliverAts, v.At.Format(time.RFC3339Nano))
		p.DueAts = append(p.DueAts, v.Due.Format(time.RFC3339Nano))
	}
	err := s.q.RecordContactRequest(ctx, tx, p)
	if pg.Constraint(err) == "one_contact_request_per_enquiry" {
		return pg.ErrRetry
	} else if err != nil {
		return pg.Fault(err)
	}
	return nil
}

// send draws a delivery to one holder.
func send(h holder, at time.Time) delivery {
	span := big.NewInt((latestDelivery - soonestDelivery).Microseconds() + 1)
	n, err := rand.Int(rand.Reader, span)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	at = at.Add(soonestDelivery + time.Duration(n.Int64())*time.Microsecond)
	return delivery{ID: ident.NewDelivery(), Handle: h.handle, Column: h.column.ID, Agency: h.column.Agency, At: at, Due: at.Add(replyTime)}
}

// followed is an enquiry that the caller made and now follows up.
type followed struct {
	relmgrdb.FindOwnEnquiryRow
	column *decide.Column
	asking decide.Asking // the asker's own steps, taken again now
}

// ownEnquiry finds an enquiry of the caller that was made after since. One that
// was refused looked nothing up, so there is nothing to follow.
func (s *Service) ownEnquiry(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, id ident.EnquiryID, since, at time.Time) (followed, error) {
	e, err := s.q.FindOwnEnquiry(ctx, db, relmgrdb.FindOwnEnquiryParams{
		EnquiryID: id, PractitionerID: who.Practitioner, AgencyID: who.Agency, Since: since,
	})
	if errors.Is(err, sql.ErrNoRows) {
		return followed{}, fault.New(fault.NotKnown, "no enquiry of yours that you can follow up has that id: ask with POST /relmgr/v1/enquiries, and to be contacted within %d hours of it", int(contactWindow.Hours()))
	} else if err != nil {
		return followed{}, pg.Fault(err)
	}
	c, err := s.column(who, e.ColumnID, at)
	if err != nil {
		return followed{}, err
	}
	q := decide.Question{Column: c, Purpose: e.Purpose, Reason: e.Reason, Transaction: e.Transaction}
	return followed{FindOwnEnquiryRow: e, column: c, asking: who.Terms.Ask(who.Actor, q, at)}, nil
}

// holder is a published cell that a contact request reaches.
type holder struct {
	handle ident.HandleID
	column *decide.Column
}

// holdersOf reads the row of an enquiry as it is now, by the one read that
// enquiries use.
func (s *Service) holdersOf(ctx context.Context, db relmgrdb.DBTX, t *decide.Terms, e followed, at time.Time) ([]holder, error) {
	rows, err := s.readRows(ctx, db, []place{{e.ColumnID, e.Token, e.TokenB, at}})
	if err != nil {
		return nil, err
	}
	if (rows[0].reading%2 == 1 && e.Token == nil || rows[0].reading%2 == 0 && e.TokenB == nil) && (e.Token != nil || e.TokenB != nil) {
		return nil, pg.Fault(pg.ErrRetry) // the column's keys changed between the two reads
	}
	return rows[0].holders(t, &e.asking, at), nil
}

// holders lists whom a contact request reaches: every published cell of the
// component of the correlations in force, told to the asker or not. Whom the
// person left out, and whoever is left out of the asker, is not reached.
func (r row) holders(t *decide.Terms, asking *decide.Asking, at time.Time) []holder {
	g := graph{}
	for _, both := range r.sides {
		if len(both) == 2 && t.Stands(both[0].standing, at) && t.Stands(both[1].standing, at) {
			g.connect(both[0].handle, both[0].far)
		}
	}
	reached, left := r.reached(g)
	var own *decide.Standing
	if i := slices.IndexFunc(r.cells, func(c cell) bool { return c.handle == r.own }); i >= 0 {
		own = &r.cells[i].standing
	}
	var out []holder
	for _, c := range r.cells {
		column := t.FindColumn(c.standing.Column, at)
		if c.handle == r.own || !reached[c.handle] || column == nil || column.ID == asking.Column.ID ||
			left[column.Agency] || left[asking.Column.Agency] || !t.Reaches(column, asking, own, at) {
			continue
		}
		out = append(out, holder{c.handle, column})
	}
	return out
}

// Replied is a holder who told the asker of itself.
type Replied struct {
	Reply ReplyKind
	Party
}

// ListContactReplies shows the maker of an enquiry who answered the contact
// request that followed it, and would be found on the row and told of today.
// A holder who declined, one who has not answered and one who is not there are
// all absent, without a count (QRY-11). It has no times: the holder knows when
// it answered, and no value is shown to two agencies.
func (s *Service) ListContactReplies(ctx context.Context, who decide.Caller, enquiry ident.EnquiryID) (replies []Replied, err error) {
	defer fault.Wrap(&err, "relmgr.ListContactReplies")
	at := s.stamp()
	e, err := s.ownEnquiry(ctx, s.db, who, enquiry, time.Time{}, at)
	if err != nil {
		return nil, err
	}
	if e.asking.StoppedAt() > 0 {
		return nil, stoppedBy(&e.asking.Decision)
	}
	reached, err := s.holdersOf(ctx, s.db, who.Terms, e, at)
	if err != nil {
		return nil, err
	}
	rows, err := s.q.ListReplies(ctx, s.db, relmgrdb.ListRepliesParams{At: at, EnquiryID: enquiry})
	if err != nil {
		return nil, pg.Fault(err)
	}
	acts := make([]ident.ActID, len(rows))
	for i, r := range rows {
		acts[i] = r.ActID
	}
	undoings, err := s.q.ListUndoings(ctx, s.db, texts(acts))
	if err != nil {
		return nil, pg.Fault(err)
	}
	replies = []Replied{}
	for _, r := range rows {
		i := slices.IndexFunc(reached, func(h holder) bool { return h.handle == r.HandleID })
		if i < 0 || !inEffect(r.ActID, undoings) || !who.Terms.Discloses(promised(r), &e.asking, at) {
			continue
		}
		if p := party(who.Terms, reached[i].column, r.Contact); p != nil {
			replies = append(replies, Replied{Reply: ReplyKind(r.Reply), Party: *p})
		}
	}
	slices.SortFunc(replies, func(a, b Replied) int {
		return cmp.Or(cmp.Compare(a.Agency, b.Agency), cmp.Compare(a.ID, b.ID))
	})
	return replies, nil
}

// party is the head of a column with one of its routes, nil where the column
// no longer has that route.
func party(t *decide.Terms, c *decide.Column, contact string) *Party {
	route := c.Route(contact)
	if route == nil {
		return nil
	}
	return &Party{Provider: *t.ProviderOf(c), AgencyName: t.AgencyName(c.Agency), Contact: *route}
}
