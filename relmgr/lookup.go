package relmgr

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/lookup"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A private look-up (docs/decisions/0096): another hub finds out whether there is somebody
// here of whom it may be told, and this one does not learn whom it means. Who may be found
// is whom a column of a shared scheme publishes; what is found is decided anew each time, as
// an identified question is, of everybody in a bucket alike.

const (
	lookUpTagsKey = seal.KeyID("duty/relmgr/look-ups/tags")   // KindWrap: tags are sealed under it
	lookUpMACKey  = seal.KeyID("duty/relmgr/look-ups/places") // KindMAC: where they are found

	lookUpEpochLives = 30 * 24 * time.Hour
	// An epoch is answered for a while after the next was published: as long as a hub's
	// statement may be kept.
	lookUpEpochLingers = 2 * time.Hour
	// Of a bucket there are meant to be so many rows; with a multiple of them a new epoch
	// begins, with longer prefixes.
	lookUpRows, lookUpGrowth = 4, 4
	mostBucketPages          = 64
	lookUpSteps              = 2 // messages of a look-up that fits one page: the quota counts them
	tagsPage                 = 50
)

// lookUpSeed is the secret of an epoch.
func lookUpSeed(epoch int32) seal.KeyID {
	return seal.KeyID("duty/relmgr/look-ups/" + strconv.Itoa(int(epoch)))
}

// answerer evaluates in an epoch.
func (s *Service) answerer(ctx context.Context, epoch int32) (*lookup.Answerer, error) {
	id := lookUpSeed(epoch)
	if err := s.keys.ensure(ctx, id, seal.KindMAC); err != nil {
		return nil, err
	}
	seed, err := s.keys.mac(ctx, id, "the secret of an epoch of private look-ups")
	if err != nil {
		return nil, err
	}
	return lookup.NewAnswerer(seed, uint32(epoch))
}

// lookUpPlace is where tags of a column with a prefix are kept.
func (s *Service) lookUpPlace(ctx context.Context, column ident.Column, epoch int32, prefix uint32) ([]byte, error) {
	return s.keys.mac(ctx, lookUpMACKey, fmt.Sprintf("%s\n%d\n%d", column, epoch, prefix))
}

// TendLookUps makes the tags that are due, and begins, publishes and ends epochs: nothing,
// where no agreement names another hub or no column has a scheme. Several processes may at
// once; one that dies has lost nothing.
func (s *Service) TendLookUps(ctx context.Context, t *decide.Terms) (err error) {
	defer fault.Wrap(&err, "relmgr.TendLookUps")
	at := s.stamp()
	var p relmgrdb.HearSchemesParams
	if slices.ContainsFunc(t.Agreements, func(a decide.Agreement) bool { return len(a.Peers) > 0 }) {
		for i := range t.Columns {
			if c := &t.Columns[i]; c.Scheme != "" {
				p.ColumnIds, p.Schemes = append(p.ColumnIds, string(c.ID)), append(p.Schemes, c.Scheme)
			}
		}
	}
	if len(p.ColumnIds) == 0 {
		return nil
	}
	for id, kind := range map[seal.KeyID]seal.KeyKind{lookUpTagsKey: seal.KindWrap, lookUpMACKey: seal.KindMAC} {
		if err := s.keys.ensure(ctx, id, kind); err != nil {
			return err
		}
	}
	if s.schemes.Load() != t.Version {
		if err := s.undisturbed(ctx, func(tx *sql.Tx) error { return s.q.HearSchemes(ctx, tx, p) }); err != nil {
			return err
		}
		s.schemes.Store(t.Version)
	}
	if err := s.q.ForgetAsked(ctx, s.db, at.AddDate(0, 0, -2)); err != nil {
		return pg.Fault(err)
	}
	epochs, err := s.turnLookUpEpochs(ctx, at)
	if err != nil {
		return err
	}
	for some := true; some; {
		if some, err = s.makeTags(ctx, t); err != nil {
			return err
		}
	}
	newest := epochs[len(epochs)-1]
	if !newest.Published.Valid {
		return pg.Fault(s.q.PublishLookUpEpoch(ctx, s.db, relmgrdb.PublishLookUpEpochParams{Epoch: newest.Epoch, At: sql.NullTime{Time: at, Valid: true}}))
	}
	return nil
}

// turnLookUpEpochs begins an epoch where there is none that is young and whose prefixes are
// long enough, ends those whose time is over, and returns the others.
func (s *Service) turnLookUpEpochs(ctx context.Context, at time.Time) (epochs []relmgrdb.ListLookUpEpochsRow, err error) {
	all, err := s.q.ListLookUpEpochs(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, e := range all {
		if !e.Followed.Valid || at.Before(e.Followed.Time.Add(lookUpEpochLingers)) {
			epochs = append(epochs, e)
			continue
		}
		err := pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
			if err := s.q.EndLookUpEpoch(ctx, tx, e.Epoch); err != nil {
				return err
			}
			return s.q.ForgetLookUpEpoch(ctx, tx, e.Epoch)
		})
		if err != nil {
			return nil, pg.Fault(err)
		}
		if err := s.retire(ctx, lookUpSeed(e.Epoch), true); err != nil {
			return nil, err
		}
		if err := s.keys.keys.Destroy(ctx, lookUpSeed(e.Epoch)); err != nil {
			return nil, fmt.Errorf("relmgr: destroy: %w", err)
		}
	}
	begin, bits := int32(1), int32(1)
	if len(epochs) > 0 {
		newest := epochs[len(epochs)-1]
		tags, err := s.q.CountTags(ctx, s.db, newest.Epoch)
		if err != nil {
			return nil, pg.Fault(err)
		}
		grown := newest.Bits < lookup.MostBits && tags > lookUpGrowth*lookUpRows<<newest.Bits
		if !newest.Published.Valid || !grown && at.Before(newest.BegunAt.Add(lookUpEpochLives)) {
			return epochs, nil
		}
		begin = newest.Epoch + 1
		for bits < lookup.MostBits && tags > lookUpRows<<bits {
			bits++
		}
	}
	a, err := s.answerer(ctx, begin)
	if err != nil {
		return nil, err
	}
	err = s.undisturbed(ctx, func(tx *sql.Tx) error {
		return s.q.BeginLookUpEpoch(ctx, tx, relmgrdb.BeginLookUpEpochParams{Epoch: begin, PublicKey: a.PublicKey(), Bits: bits, BegunAt: at})
	})
	if err != nil {
		return nil, err
	}
	return s.turnLookUpEpochs(ctx, at)
}

// undisturbed changes what is to have tags while nobody publishes or makes one.
func (s *Service) undisturbed(ctx context.Context, change func(*sql.Tx) error) error {
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.q.WaitBriefly(ctx, tx); err != nil {
			return err
		}
		if err := s.q.LockLookUps(ctx, tx); pg.Busy(err) {
			return pg.ErrRetry
		} else if err != nil {
			return err
		}
		return change(tx)
	})
}

// makeTags makes the tags of some who are due, in every epoch, and reports whether there
// were any.
func (s *Service) makeTags(ctx context.Context, t *decide.Terms) (some bool, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.q.LockTags(ctx, tx); err != nil {
			return err
		}
		epochs, err := s.q.ListLookUpEpochs(ctx, tx)
		if err != nil {
			return err
		}
		answerers := make([]*lookup.Answerer, len(epochs))
		for i, e := range epochs {
			if answerers[i], err = s.answerer(ctx, e.Epoch); err != nil {
				return err
			}
		}
		due, err := s.q.ListTagsDue(ctx, tx, tagsPage)
		if err != nil {
			return err
		}
		some = len(due) > 0
		var made relmgrdb.KeepTagsParams
		done := []string{}
		for _, d := range due {
			done = append(done, d.HandleID.String())
			c := t.FindColumn(d.ColumnID, s.stamp())
			if c == nil || c.Scheme == "" || d.WrappedBy == "" {
				continue
			}
			identifier, err := s.keys.unseal(ctx, sealed{d.HandleID, d.Sealed, d.WrappedKey, d.WrappedBy})
			if errors.Is(err, seal.ErrDestroyed) {
				continue // nobody can read it, and so nobody finds it
			} else if err != nil {
				return err
			}
			for i, e := range epochs {
				if err := s.makeTag(ctx, answerers[i], e, c, d.HandleID, identifier, &made); err != nil {
					return err
				}
			}
		}
		if err := s.q.KeepTags(ctx, tx, made); err != nil {
			return err
		}
		return s.q.TagsMade(ctx, tx, done)
	})
	return some, err
}

func (s *Service) makeTag(ctx context.Context, a *lookup.Answerer, e relmgrdb.ListLookUpEpochsRow, c *decide.Column, handle ident.HandleID, identifier Identifier, made *relmgrdb.KeepTagsParams) error {
	value, err := a.Value(lookup.Identifier{Scheme: c.Scheme, Number: string(identifier)})
	if err != nil {
		return err
	}
	place, err := s.lookUpPlace(ctx, c.ID, e.Epoch, value.Tag.Prefix(int(e.Bits)))
	if err != nil {
		return err
	}
	dek, aad := seal.NewDEK(), tagOf(handle, e.Epoch)
	text, err := seal.Seal(dek, aad, value.Bytes())
	if err != nil {
		return fmt.Errorf("relmgr: seal: %w", err)
	}
	wrapped, err := s.keys.keys.Wrap(ctx, lookUpTagsKey, aad, dek)
	if err != nil {
		return fmt.Errorf("relmgr: wrap: %w", err)
	}
	made.HandleIds, made.Epochs = append(made.HandleIds, handle.String()), append(made.Epochs, e.Epoch)
	made.Places, made.Sealed, made.Wrapped = append(made.Places, place), append(made.Sealed, text), append(made.Wrapped, wrapped)
	return nil
}

// tagOf is what the seal of a tag is bound to.
func tagOf(handle ident.HandleID, epoch int32) []byte {
	return binary.BigEndian.AppendUint32(append([]byte("look-up"), handle[:]...), uint32(epoch))
}

// LookUpAnswer is what another hub is told of one step of a private look-up.
type LookUpAnswer struct {
	Outcome    PeerOutcome
	Because    string
	Commitment []byte
	Evaluated  []byte // of the first step,
	Proof      []byte
	Bits       int
	Rows       []lookup.Row // and of the second
	More       bool
}

// LookUpForPeer answers one step of another hub's private look-up, as AnswerPeer answers a
// question: the same voucher, agreements, quota and record. A question serves for one value
// to be evaluated, and for one reading of each page of a bucket. Of those in the bucket a
// row says that this hub has something to tell the asker about them; all else is of nobody.
// It names no person, so its record cannot. Errors: as AnswerPeer.
func (s *Service) LookUpForPeer(ctx context.Context, t *decide.Terms, voucher, message string) (a LookUpAnswer, err error) {
	defer fault.Wrap(&err, "relmgr.LookUpForPeer")
	at := s.stamp()
	m, q, agreed, err := s.asksHere(ctx, t, voucher, message, (*attest.Verifier).VerifyLookUp)
	if err != nil {
		return LookUpAnswer{}, err
	}
	step := m.LookUp
	if step == nil || step.Page < 0 || step.Page >= mostBucketPages || len(step.Blinded) != 0 && len(step.Blinded) != lookup.ElementSize {
		return LookUpAnswer{}, fault.At("/message", "send one blinded identifier, or a prefix and a page")
	}
	if !understood(t, &q) {
		return LookUpAnswer{Outcome: PeerNotUnderstood, Because: "the partnership has not declared one of the codes"}, nil
	}
	e, asking, err := s.fromPeer(ctx, t, q, agreed, at, true, fmt.Sprintf("step %t %d", len(step.Blinded) > 0, step.Page))
	if err != nil {
		return LookUpAnswer{}, err
	}
	a = LookUpAnswer{Outcome: e.Peer.Outcome, Because: asking.Because()}
	switch {
	case a.Outcome == PeerOverQuota:
		a.Because = overQuota
	case a.Outcome != PeerAnswered:
	case len(step.Blinded) > 0:
		a.Outcome, a.Evaluated, a.Proof, a.Bits, err = s.evaluate(ctx, step)
	default:
		a.Outcome = PeerLookedUp
		a.Rows, a.More, err = s.bucket(ctx, t, &asking, q, step, at)
	}
	if err != nil {
		return LookUpAnswer{}, err
	}
	e.Peer.Outcome = a.Outcome
	a.Commitment, err = s.recordFromPeer(ctx, t, e)
	if pg.Constraint(err) == "peer_requests_pkey" {
		e.Enquiry, e.Peer.Outcome, e.Peer.Hash = ident.NewEnquiry(), PeerUsedBefore, nil
		a = LookUpAnswer{Outcome: PeerUsedBefore, Because: servesOnce}
		a.Commitment, err = s.recordFromPeer(ctx, t, e)
	}
	if err != nil {
		return LookUpAnswer{}, err
	}
	if q.Emergency && a.Outcome == PeerLookedUp {
		s.emergencies.Inc()
	}
	return a, nil
}

// lookUpEpoch is an epoch that may be asked in.
func (s *Service) lookUpEpoch(ctx context.Context, epoch int) (relmgrdb.ListLookUpEpochsRow, error) {
	all, err := s.q.ListLookUpEpochs(ctx, s.db)
	if err != nil {
		return relmgrdb.ListLookUpEpochsRow{}, pg.Fault(err)
	}
	for _, e := range all {
		if int(e.Epoch) == epoch && e.Published.Valid {
			return e, nil
		}
	}
	return relmgrdb.ListLookUpEpochsRow{}, fault.At("/message", "ask in the epoch whose key this hub states")
}

func (s *Service) evaluate(ctx context.Context, step *attest.AxleStep) (_ PeerOutcome, evaluated, proof []byte, bits int, err error) {
	e, err := s.lookUpEpoch(ctx, step.Epoch)
	if err != nil {
		return "", nil, nil, 0, err
	}
	a, err := s.answerer(ctx, e.Epoch)
	if err != nil {
		return "", nil, nil, 0, err
	}
	all, proof, err := a.Evaluate([][]byte{step.Blinded})
	if errors.Is(err, lookup.ErrMalformed) {
		return "", nil, nil, 0, fault.At("/message", "blind the identifier as RFC 9497 has it").Because(err)
	} else if err != nil {
		return "", nil, nil, 0, err
	}
	return PeerEvaluated, all[0], proof, int(e.Bits), nil
}

// bucket is one page of all whose tags begin with the prefix, and of as many of nobody as
// make its number a full one.
func (s *Service) bucket(ctx context.Context, t *decide.Terms, asking *decide.Asking, q attest.AxleQuestion, step *attest.AxleStep, at time.Time) (_ []lookup.Row, more bool, err error) {
	e, err := s.lookUpEpoch(ctx, step.Epoch)
	if err != nil {
		return nil, false, err
	}
	if step.Prefix>>e.Bits != 0 {
		return nil, false, fault.At("/message", "ask for a prefix of as many bits as this hub says")
	}
	p := relmgrdb.ReadBucketParams{Epoch: e.Epoch}
	for _, c := range t.ColumnsOf(q.Scheme, at) {
		place, err := s.lookUpPlace(ctx, c.ID, e.Epoch, step.Prefix)
		if err != nil {
			return nil, false, err
		}
		p.Places = append(p.Places, place)
	}
	tags, err := s.q.ReadBucket(ctx, s.db, p)
	if err != nil {
		return nil, false, pg.Fault(err)
	}
	known, err := s.lookedUp(ctx, t, asking, q, e.Epoch, tags, at)
	if err != nil {
		return nil, false, err
	}
	pages := max(1, (len(known)+lookup.BucketSize-1)/lookup.BucketSize)
	from, to := min(step.Page*lookup.BucketSize, len(known)), min((step.Page+1)*lookup.BucketSize, len(known))
	rows := make([]lookup.Row, 0, to-from)
	for _, k := range known[from:to] {
		row, err := k.Row(hasSomething)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, row)
	}
	rows, err = lookup.Bucket(step.Prefix, int(e.Bits), lookup.BucketSize, rows)
	return rows, step.Page+1 < pages, err
}

// hasSomething is all that a row says: there is something to tell.
var hasSomething = []byte("ask")

// lookedUp are those of a bucket of whom the asker would be told something by an identified
// question, in the order of their tags. Who is hidden is as absent as who was never here.
func (s *Service) lookedUp(ctx context.Context, t *decide.Terms, asking *decide.Asking, q attest.AxleQuestion, epoch int32, tags []relmgrdb.ReadBucketRow, at time.Time) (known []lookup.Value, err error) {
	if len(tags) == 0 {
		return nil, nil
	}
	places, values := make([]place, len(tags)), make([]lookup.Value, len(tags))
	for i, tag := range tags {
		places[i] = place{tag.ColumnID, tag.Token, tag.TokenB, at}
		aad := tagOf(tag.HandleID, epoch)
		dek, err := s.keys.keys.Unwrap(ctx, lookUpTagsKey, aad, tag.Wrapped)
		if err != nil {
			return nil, fmt.Errorf("relmgr: unwrap: %w", err)
		}
		text, err := seal.Open(dek, aad, tag.Sealed)
		if err != nil {
			return nil, err
		}
		if values[i], err = lookup.ValueOf(text); err != nil {
			return nil, err
		}
	}
	var rows []row
	for some := range slices.Chunk(places, mostPlaces) {
		read, err := s.readRows(ctx, s.read, some)
		if err != nil {
			return nil, err
		}
		rows = append(rows, read...)
	}
	of := map[lookup.Value][]row{}
	for i, v := range values {
		of[v] = append(of[v], rows[i])
	}
	for v, rows := range of {
		if told := together(rows).tell(t, asking, sought{q.Transaction, OfTheFederation}, at); len(told.providers) > 0 {
			known = append(known, v)
		}
	}
	slices.SortFunc(known, func(a, b lookup.Value) int { return bytes.Compare(a.Tag[:], b.Tag[:]) })
	return known, nil
}

// mayLookUp counts a question that goes to other hubs as private look-ups against the
// asker's quota. RateLimited says that they have asked as often as they may today.
func (s *Service) mayLookUp(ctx context.Context, who decide.Caller, q Question, c *decide.Column, asking *decide.Asking, at time.Time) error {
	if q.Scope != OfTheFederation || c.Scheme == "" || !slices.ContainsFunc(who.Terms.PeersOf(asking), func(hub string) bool { return who.Terms.LookUpAt(asking, hub) != "" }) {
		return nil
	}
	within, err := s.within(ctx, at, string(who.Practitioner), q.Purpose, true, who.Terms.Settings.Quotas.OrDefault().LookUps)
	if err != nil || within {
		return err
	}
	f := fault.New(fault.RateLimited, "you have asked other hubs as often today as the partnership lets one practitioner for that purpose: ask the partnership alone")
	f.RetryAfter = at.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(at)
	return f
}
