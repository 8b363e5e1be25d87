package relmgr

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A notice says that what a column may be told of somebody of its own is no longer
// what it was told before (QRY-13, SUB-06). It is the difference between two answers
// and nothing else: whoever wants to be informed learns what asking again would tell
// them, so what is hidden is absent and what was withdrawn since is not there. It is
// made on a beat that all share, so that its time tells little, and what it tells is
// decided when somebody of the column reads it, as an enquiry.
//
// What an act, a person's word, a manager's effect or the end of any of them by its date
// has changed stands in relmgr.changes until it has been worked off, by whichever process comes first (docs/decisions/0067).

const (
	defaultBeat  = time.Hour
	changesPage  = 500
	noticesBatch = 200
	// A notice that was read can be read again for a month, in case an answer was lost; one
	// that nobody reads goes after a quarter.
	readFor, unreadFor = 30 * 24 * time.Hour, 90 * 24 * time.Hour
)

// TypNotice is the type of the JWS that goes with a notice to an agency's address.
const TypNotice = "fame-notice+jwt"

// Silence is an act that keeps the changes of one's own identifier out of everybody's
// notices, on a recorded ground.
const Silence Kind = "silence"

// Notice is what a column may be told of somebody of its own that it was not told
// before, what it was told and is not any more, and what of its own a registrar's mistake
// has suspended (AUT-04).
type Notice struct {
	Notice     ident.NoticeID
	Handle     ident.HandleID
	Identifier Identifier
	At         time.Time // the beat on which it was made
	Providers  []Provider
	Gone       []Gone
	Suspended  []SuspendedAct // acts of the agency's own that a registrar's mistake has suspended
	Commitment []byte         // of the reading
}

// Gone is who the column was told of. Why that is over, a notice does not say.
type Gone struct {
	decide.Provider
	AgencyName string
}

// NoticesOf says which notices of a column to list.
type NoticesOf struct {
	Column ident.Column
	Why    Why
	After  ident.NoticeID
	Limit  int
}

// beatOf is how far apart notices are made.
func beatOf(t *decide.Terms) time.Duration {
	if n := t.Settings.NoticeMinutes; n > 0 {
		return time.Duration(n) * time.Minute
	}
	return defaultBeat
}

// Beat is the last instant on which notices were due.
func (s *Service) Beat(t *decide.Terms) time.Time { return s.stamp().Truncate(beatOf(t)) }

// Notify makes the notices of all that has changed before the beat. Several processes
// may at once, and one that is killed has lost nothing: a change is taken in the
// transaction of what came of it. One that cannot be worked off keeps none of the
// others; it is tried again.
func (s *Service) Notify(ctx context.Context, t *decide.Terms) (err error) {
	defer fault.Wrap(&err, "relmgr.Notify")
	at, beat := s.stamp(), s.Beat(t)
	if err := s.q.HearChanges(ctx, s.db); err != nil {
		return pg.Fault(err)
	}
	if err := s.q.NoteLapses(ctx, s.db, at); err != nil {
		return pg.Fault(err)
	}
	if err := s.q.ForgetHeard(ctx, s.db); err != nil {
		return pg.Fault(err)
	}
	for {
		changed, err := s.q.ListChanged(ctx, s.db, relmgrdb.ListChangedParams{Before: beat, PageSize: changesPage})
		if err != nil {
			return pg.Fault(err)
		}
		done := 0
		var failed error
		for _, h := range changed {
			taken, err := s.workOff(ctx, t, h, beat, at)
			if taken {
				done++
			}
			failed = errors.Join(failed, err)
		}
		if failed != nil {
			return failed
		}
		if done == 0 { // nothing is left, or others are at it
			break
		}
	}
	if err := s.q.ForgetNotices(ctx, s.db, relmgrdb.ForgetNoticesParams{ReadBefore: at.Add(-readFor), UnreadBefore: at.Add(-unreadFor)}); err != nil {
		return pg.Fault(err)
	}
	s.notified.Set(float64(at.Unix()))
	return nil
}

// workOff makes the notices of what has changed about one handle.
func (s *Service) workOff(ctx context.Context, t *decide.Terms, changed ident.HandleID, beat, at time.Time) (taken bool, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		n, err := s.q.TakeChanges(ctx, tx, relmgrdb.TakeChangesParams{HandleID: changed, Before: beat})
		if taken = n > 0; err != nil || !taken {
			return pg.Fault(err)
		}
		concerned, err := s.q.ListToInform(ctx, tx, ident.UntypedID(changed))
		if err != nil {
			return pg.Fault(err)
		}
		for _, h := range concerned {
			if err := s.notice(ctx, tx, t, h.HandleID, changed, beat, at); err != nil {
				return err
			}
		}
		return nil
	})
	return taken && err == nil, err
}

// notice keeps a notice of a handle where there is something to tell its column, and
// drops the one that waits where there no longer is.
func (s *Service) notice(ctx context.Context, tx *sql.Tx, t *decide.Terms, handle, changed ident.HandleID, beat, at time.Time) error {
	d, err := s.differs(ctx, tx, t, handle, []ident.HandleID{changed}, asColumn(t, at), "", at, at, ident.NoticeID{})
	if err != nil {
		return err
	}
	if d.none() {
		return pg.Fault(s.q.DropNotice(ctx, tx, handle))
	}
	p := relmgrdb.KeepNoticeParams{NoticeID: ident.NewNotice(), HandleID: handle, At: beat, Gone: texts(handlesIn(d.gone))}
	if addressOf(t, d.column, at) != "" {
		p.NextAt = sql.NullTime{Time: at, Valid: true}
	}
	return pg.Fault(s.q.KeepNotice(ctx, tx, p))
}

// difference is what may be told of a handle and was not, and what was told and may
// not be any more.
type difference struct {
	column          *decide.Column
	providers       []Provider
	disclosed, gone []disclosure
	suspended       []SuspendedAct
}

func (d difference) none() bool {
	return len(d.disclosed) == 0 && len(d.gone) == 0 && len(d.suspended) == 0
}

func handlesIn(list []disclosure) (out []ident.HandleID) {
	for _, d := range list {
		if !slices.Contains(out, d.Handle) {
			out = append(out, d.Handle)
		}
	}
	return out
}

// asker asks for one purpose as somebody of a column.
type asker func(c *decide.Column, purpose string) decide.Asking

// asColumn asks as anybody of a column may whom an agreement lets ask: what a notice
// is made and sent for. Whoever reads it asks as themselves.
func asColumn(t *decide.Terms, at time.Time) asker {
	var roles []string
	for _, a := range t.Agreements {
		roles = append(roles, a.Roles.Enquire...)
	}
	return func(c *decide.Column, purpose string) decide.Asking {
		q := decide.Question{Column: c, Purpose: purpose}
		if len(t.Codes.Reasons) > 0 { // the reader gives their own
			q.Reason = t.Codes.Reasons[0].Code
		}
		return t.Ask(decide.Actor{Agency: c.Agency, Roles: roles, Providers: []ident.Provider{c.Provider}}, q, at)
	}
}

// differs compares what a column was told about a handle before an instant with what
// it may be told now: for one purpose, or for all for which it was told or wants to be
// informed. around are handles on whose rows those may stand that it was told of. Of
// what an override tells no notice is made: that is for those who ask (LEG-15). What has
// been suspended is told by the first notice that is read after it: of notice, it is told
// again.
func (s *Service) differs(ctx context.Context, db relmgrdb.DBTX, t *decide.Terms, handle ident.HandleID, around []ident.HandleID,
	ask asker, purpose string, before, at time.Time, notice ident.NoticeID,
) (d difference, err error) {
	p, err := s.q.FindNoticePlace(ctx, db, handle)
	if errors.Is(err, sql.ErrNoRows) {
		return d, nil // erased
	} else if err != nil {
		return d, pg.Fault(err)
	}
	if d.column = t.FindColumn(p.ColumnID, at); d.column == nil {
		return d, nil
	}
	if d.suspended, err = s.suspendedOf(ctx, db, handle, d.column.Agency, notice); err != nil {
		return d, err
	}
	rows, err := s.readRows(ctx, db, []place{{p.ColumnID, p.Token, p.TokenB, at}})
	if err != nil {
		return d, err
	}
	r := rows[0]
	if r.own != handle {
		return d, pg.Fault(pg.ErrRetry) // the column's keys changed between the two reads
	}
	told, err := s.q.ListTold(ctx, db, relmgrdb.ListToldParams{
		HandleID: ident.UntypedID(handle), Around: append(append(texts(around), handle.String()), p.Gone...), Before: before,
	})
	if err != nil {
		return d, pg.Fault(err)
	}
	silent, err := s.silent(ctx, db, r, told, at)
	if err != nil {
		return d, err
	}
	fresh := r
	fresh.cells = slices.DeleteFunc(slices.Clone(r.cells), func(c cell) bool {
		return c.standing.Risk != "" || silent[c.handle] || slices.ContainsFunc(told, func(w relmgrdb.ListToldRow) bool {
			return w.HandleID == c.handle && w.DecisionID == c.decision
		})
	})
	purposes := []string{purpose}
	if purpose == "" {
		purposes = slices.Clone(p.Purposes)
		for _, w := range told {
			purposes = append(purposes, w.Purpose)
		}
		slices.Sort(purposes)
	}
	for _, purpose := range slices.Compact(purposes) {
		asking := ask(d.column, purpose)
		if asking.StoppedAt() > 0 {
			continue
		}
		now := r.tell(t, &asking, sought{}, at).disclosed
		for _, w := range told {
			if w.Purpose == purpose && !silent[w.HandleID] && !slices.ContainsFunc(now, func(n disclosure) bool { return n.Handle == w.HandleID && n.Decision == w.DecisionID }) {
				d.gone = add(d.gone, disclosure{Handle: w.HandleID, Decision: w.DecisionID})
			}
		}
		if !slices.Contains(p.Purposes, purpose) { // it was told so, and does not ask to be informed
			continue
		}
		told := fresh.tell(t, &asking, sought{}, at)
		providers, disclosed := told.providers, told.disclosed
		d.providers = providers
		for _, n := range disclosed {
			d.disclosed = add(d.disclosed, n)
		}
	}
	return d, nil
}

// mostSuspended bounds what one notice tells: the rest is listed.
const mostSuspended = 50

// suspendedOf is what a registrar's mistake has suspended of a handle.
func (s *Service) suspendedOf(ctx context.Context, db relmgrdb.DBTX, handle ident.HandleID, agency ident.Agency, notice ident.NoticeID) (out []SuspendedAct, err error) {
	rows, err := s.q.ListSuspendedOf(ctx, db, relmgrdb.ListSuspendedOfParams{
		AgencyID: agency, HandleID: handle, NoticeID: ident.UntypedID(notice), PageSize: mostSuspended,
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		out = append(out, SuspendedAct{Repair: r.ReferenceID, At: r.At.UTC(), Suspends: r.Suspends, Kind: Kind(r.Kind)})
	}
	return out, nil
}

func add(list []disclosure, one disclosure) []disclosure {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

// silent are the handles on the row, or told of before, of whose changes nobody is to
// have a notice now.
func (s *Service) silent(ctx context.Context, db relmgrdb.DBTX, r row, told []relmgrdb.ListToldRow, at time.Time) (map[ident.HandleID]bool, error) {
	var handles []ident.HandleID
	for _, c := range r.cells {
		handles = append(handles, c.handle)
	}
	for _, w := range told {
		handles = append(handles, w.HandleID)
	}
	recorded, err := s.q.ListSilences(ctx, db, relmgrdb.ListSilencesParams{HandleIds: texts(handles), At: at})
	if err != nil {
		return nil, pg.Fault(err)
	}
	acts := make([]ident.ActID, len(recorded))
	for i, v := range recorded {
		acts[i] = v.ActID
	}
	undoings, err := s.q.ListUndoings(ctx, db, texts(acts))
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := map[ident.HandleID]bool{}
	for _, v := range recorded {
		if inEffect(v.ActID, undoings) {
			out[v.HandleID] = true
		}
	}
	return out, nil
}

// ListNotices shows what has changed about people of a column of the caller's, oldest
// first, after the notice of the cursor; next is zero on the last page. Each is decided
// now, as the caller's own enquiry for that purpose, and recorded as one before it is
// shown; what there is nothing to tell of any more, or not for that purpose, is absent.
// DecisionRefused says which of the caller's own steps fails.
func (s *Service) ListNotices(ctx context.Context, who decide.Caller, in NoticesOf) (notices []Notice, next ident.NoticeID, err error) {
	defer fault.Wrap(&err, "relmgr.ListNotices")
	at := s.stamp()
	if err := in.Why.check(who.Terms); err != nil {
		return nil, next, err
	}
	c, err := s.column(who, in.Column, at)
	if err != nil {
		return nil, next, err
	}
	asking := who.Terms.Ask(who.Actor, decide.Question{Column: c, Purpose: in.Why.Purpose, Reason: in.Why.Reason}, at)
	if asking.StoppedAt() > 0 {
		return nil, next, stoppedBy(&asking.Decision)
	}
	if !in.After.IsZero() {
		known, err := s.q.HasNotice(ctx, s.db, relmgrdb.HasNoticeParams{NoticeID: in.After, ColumnID: c.ID})
		if err != nil {
			return nil, next, pg.Fault(err)
		}
		if !known {
			return nil, next, fault.At("/cursor", "start again without a cursor: that notice is no longer there")
		}
	}
	rows, err := s.q.ListNotices(ctx, s.db, relmgrdb.ListNoticesParams{
		ColumnID: c.ID, FromStart: in.After.IsZero(), AfterNotice: ident.UntypedID(in.After), PageSize: int32(in.Limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		next = rows[in.Limit-1].NoticeID
	}
	notices = []Notice{}
	for _, r := range rows {
		n, err := s.readOne(ctx, who, c, asking, in.Why, r, at)
		if err != nil {
			return nil, ident.NoticeID{}, err
		}
		if n != nil {
			notices = append(notices, *n)
		}
	}
	return notices, next, nil
}

// readOne reads one notice, nil where there is nothing to tell.
func (s *Service) readOne(ctx context.Context, who decide.Caller, c *decide.Column, asking decide.Asking, why Why, r relmgrdb.ListNoticesRow, at time.Time) (*Notice, error) {
	around := make([]ident.HandleID, len(r.Gone))
	for i, g := range r.Gone {
		var err error
		if around[i], err = ident.ParseHandle(g); err != nil {
			return nil, err
		}
	}
	d, err := s.differs(ctx, s.db, who.Terms, r.HandleID, around, func(*decide.Column, string) decide.Asking { return asking }, why.Purpose, r.At, at, r.NoticeID)
	if err != nil || d.none() {
		return nil, err
	}
	id, err := s.keys.open(ctx, c, sealed{r.HandleID, r.Sealed, r.WrappedKey, r.WrappedBy})
	if err != nil {
		return nil, err
	}
	n := &Notice{Notice: r.NoticeID, Handle: r.HandleID, Identifier: id, At: r.At.UTC(), Providers: d.providers, Suspended: d.suspended}
	if n.Gone, err = s.gone(ctx, who.Terms, d.gone); err != nil {
		return nil, err
	}
	_, n.Commitment, err = s.recordReading(ctx, who, reading{
		Role: asking.Role, Reads: readNotices, Column: c.ID, Handle: r.HandleID, Decision: &asking.Decision,
		Shown: []string{r.NoticeID.String()}, Disclosed: d.disclosed, Retracted: d.gone,
	}, why, at)
	if err != nil {
		return nil, err
	}
	return n, pg.Fault(s.q.MarkNoticeRead(ctx, s.db, relmgrdb.MarkNoticeReadParams{NoticeID: r.NoticeID, ReadAt: sql.NullTime{Time: at, Valid: true}}))
}

// gone names the heads of the columns that handles are of. Of a column that the
// partnership no longer knows nothing can be said.
func (s *Service) gone(ctx context.Context, t *decide.Terms, list []disclosure) (out []Gone, err error) {
	rows, err := s.q.ListFarColumns(ctx, s.db, texts(handlesIn(list)))
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		if c := t.Column(r.ColumnID); c != nil {
			g := Gone{Provider: *t.ProviderOf(c), AgencyName: t.AgencyName(c.Agency)}
			g.Agency = c.Agency
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b Gone) int { return cmp.Or(cmp.Compare(a.Agency, b.Agency), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// Parcel is what one agency is sent: that something waits to be read, of which
// column, and nothing of anybody.
type Parcel struct {
	Agency  ident.Agency
	Address string
	Events  []Event
}

// Event is one notice on its way.
type Event struct {
	Notice ident.NoticeID
	Column ident.Column
	At     time.Time
}

// ClaimNotices takes what is to be sent to agencies' addresses now. What nobody says
// has arrived is taken again, later each time. A notice is decided anew as it leaves:
// one that would have nothing to tell is dropped.
func (s *Service) ClaimNotices(ctx context.Context, t *decide.Terms) (parcels []Parcel, err error) {
	defer fault.Wrap(&err, "relmgr.ClaimNotices")
	at := s.stamp()
	rows, err := s.q.ClaimNotices(ctx, s.db, relmgrdb.ClaimNoticesParams{At: at, PageSize: noticesBatch})
	if err != nil {
		return nil, pg.Fault(err)
	}
	var nowhere []ident.NoticeID
	for _, r := range rows {
		around := make([]ident.HandleID, len(r.Gone))
		for i, g := range r.Gone {
			if around[i], err = ident.ParseHandle(g); err != nil {
				return nil, err
			}
		}
		d, err := s.differs(ctx, s.db, t, r.HandleID, around, asColumn(t, at), "", r.At, at, r.NoticeID)
		if err != nil {
			return nil, err
		}
		if d.none() {
			if err := s.q.DropNotice(ctx, s.db, r.HandleID); err != nil {
				return nil, pg.Fault(err)
			}
			continue
		}
		address := addressOf(t, d.column, at)
		if address == "" {
			nowhere = append(nowhere, r.NoticeID)
			continue
		}
		i := slices.IndexFunc(parcels, func(p Parcel) bool { return p.Agency == d.column.Agency })
		if i < 0 {
			i = len(parcels)
			parcels = append(parcels, Parcel{Agency: d.column.Agency, Address: address})
		}
		parcels[i].Events = append(parcels[i].Events, Event{r.NoticeID, r.ColumnID, r.At.UTC()})
	}
	return parcels, s.arrived(ctx, nowhere)
}

// addressOf is where the agency of a column wants notices, empty for nowhere.
func addressOf(t *decide.Terms, c *decide.Column, at time.Time) string {
	if a := t.FindAgency(c.Agency, at); a != nil {
		return a.Webhook
	}
	return ""
}

// Arrived says that a parcel has been taken.
func (s *Service) Arrived(ctx context.Context, p Parcel) (err error) {
	defer fault.Wrap(&err, "relmgr.Arrived")
	ids := make([]ident.NoticeID, len(p.Events))
	for i, e := range p.Events {
		ids[i] = e.Notice
	}
	return s.arrived(ctx, ids)
}

func (s *Service) arrived(ctx context.Context, ids []ident.NoticeID) error {
	if len(ids) == 0 {
		return nil
	}
	return pg.Fault(s.q.NoticesArrived(ctx, s.db, texts(ids)))
}

// Undelivered reports whether anything has been sent in vain for more than half an
// hour, and shows it on a gauge that says no more.
func (s *Service) Undelivered(ctx context.Context) (stuck bool, err error) {
	defer fault.Wrap(&err, "relmgr.Undelivered")
	n, err := s.q.CountUndelivered(ctx, s.db)
	if err != nil {
		return false, pg.Fault(err)
	}
	s.undelivered.Set(float64(min(n, 1)))
	return n > 0, nil
}

// letter is what is signed of a parcel: for whom, when, and the hash of its body.
type letter struct {
	Audience string `json:"aud"`
	Subject  string `json:"sub"` // the hub
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Digest   string `json:"sha256"` // of the body, in hexadecimal
}

// letterLife is how long a receiver may take a parcel for one that has just been sent.
const letterLife = 5 * time.Minute

// SignNotice signs for an address that a body of this SHA-256 comes from the hub.
func (s *Service) SignNotice(ctx context.Context, t *decide.Terms, address, digest string) (string, error) {
	now := s.now()
	return s.proofs.Sign(ctx, TypNotice, letter{address, t.Partnership.Hub, now.Unix(), now.Add(letterLife).Unix(), digest})
}

// KeepSilent keeps what changes about one of the caller's own identifiers out of
// everybody's notices until somebody looks again, on a recorded risk. It hides
// nothing: whoever asks is told as before. Withdrawing the act ends it.
func (s *Service) KeepSilent(ctx context.Context, who decide.Caller, o Own, risk Risk, reviewBy time.Time, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.KeepSilent")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	if !reviewBy.After(at) || reviewBy.After(at.Add(longestSilence)) {
		return Receipt{}, fault.At("/review_by", "say by when somebody looks at the risk again: within 90 days")
	}
	roles := editors(who, Silence)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return Receipt{}, fault.New(fault.Forbidden, "keeping changes out of notices needs one of the roles %v", roles)
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		h, err := s.own(ctx, tx, who, o, at)
		if err != nil {
			return err
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		d := begin(who, Silence, role, at)
		d.Reason, d.Handles = reason, []ident.HandleID{h.handle}
		d.Hush = &hush{Handle: h.handle, Risk: risk, ReviewBy: reviewBy.UTC().Truncate(time.Microsecond)}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		return pg.Fault(s.q.RecordSilence(ctx, tx, relmgrdb.RecordSilenceParams{ActID: d.Act, HandleID: h.handle, Risk: string(risk), ReviewBy: d.Hush.ReviewBy}))
	})
	return s.orEarlier(ctx, receipt, err)
}

// hush is what an act says of a silence.
type hush struct {
	Handle   ident.HandleID `json:"handle"`
	Risk     Risk           `json:"risk"`
	ReviewBy time.Time      `json:"review_by"`
}
