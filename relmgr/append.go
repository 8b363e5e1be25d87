package relmgr

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// The bounds of the append. What waits and what is being written stay in
// memory, a few KiB each.
const (
	mostBatch   = 256
	mostWaiting = 1024
	// batchTimeout bounds one statement of the appender, its wait for a
	// connection included: who waits for it is given ten seconds by the edge.
	batchTimeout = 10 * time.Second
)

// errReadAgain says that another enquiry made the handle between this one's
// read and its append, or that its column's keys changed. Nothing of this one was
// written.
var errReadAgain = errors.New("relmgr: the handle was made, or its keys changed, in the meantime")

// entry is an enquiry as it is appended.
type entry struct {
	enquiry
	role         string
	termsVersion int64
	token        []byte                    // that is looked up: what the identifier is known by
	fresh        relmgrdb.KeepHandleParams // stored where the identifier has no handle
	leaf         leaf.Leaf
}

// appender writes enquiries. Whatever waits when the last commit returns is one
// statement and one commit, so that many who ask at once share what a commit
// costs, and one who asks alone waits for nobody (design.md section 10). A
// batch that must wait, as for a write that is making a handle of one of its
// identifiers, holds up those behind it, batchTimeout at most.
type appender struct {
	write    func(context.Context, relmgrdb.RecordEnquiriesParams) ([]ident.EnquiryID, error)
	queue    chan *waiting
	stop     chan struct{} // closed to end run
	stopOnce sync.Once
	ended    chan struct{} // closed when run has ended
}

// waiting is an entry whose enquiry waits for its answer.
type waiting struct {
	entry
	gone <-chan struct{} // of the enquiry's context
	done chan error      // room for one answer: nobody waits to give it
}

// newAppender starts an appender. It runs until close.
func newAppender(write func(context.Context, relmgrdb.RecordEnquiriesParams) ([]ident.EnquiryID, error)) *appender {
	a := &appender{write: write, queue: make(chan *waiting, mostWaiting), stop: make(chan struct{}), ended: make(chan struct{})}
	go a.run()
	return a
}

// append returns nil once the entry is committed. With any error but one the
// entry may not be told: it is not written, or nobody knows. errReadAgain says
// that it is not written, and that a new read will find its handle.
//
// Where ctx ends first, an entry that still waits is never written, and one
// that is being written stays, unanswered: more may be recorded than was told,
// never less. Where too many wait it is Unavailable at once.
func (a *appender) append(ctx context.Context, e entry) error {
	w := &waiting{entry: e, gone: ctx.Done(), done: make(chan error, 1)}
	select {
	case a.queue <- w:
	default:
		return unavailable("too many are asking at once: try again")
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return pg.Fault(ctx.Err())
	case <-a.ended:
		select {
		case err := <-w.done:
			return err
		default:
			return unavailable("this process is stopping: try again")
		}
	}
}

func unavailable(detail string) error {
	return &fault.Error{Kind: fault.Unavailable, Detail: detail, RetryAfter: time.Second}
}

// close writes what waits, ends the appender and returns when it has ended.
// What comes later is Unavailable. It may be called again.
func (a *appender) close() {
	a.stopOnce.Do(func() { close(a.stop) })
	<-a.ended
}

func (a *appender) run() {
	defer close(a.ended)
	for {
		select {
		case w := <-a.queue:
			a.settle(a.gather(w))
		case <-a.stop:
			for {
				select {
				case w := <-a.queue:
					a.settle(a.gather(w))
				default:
					return
				}
			}
		}
	}
}

// gather takes what waits behind the first, without waiting for more.
func (a *appender) gather(first *waiting) []*waiting {
	batch := []*waiting{first}
	for len(batch) < mostBatch {
		select {
		case w := <-a.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// settle writes a batch and answers everybody in it. A panic is an answer too:
// it must not end the appender.
func (a *appender) settle(batch []*waiting) {
	defer func() {
		if p := recover(); p != nil {
			answer(batch, fault.Panicked("the enquiry could not be recorded", p))
		}
	}()
	write, again := inOrder(batch)
	err := a.try(write)
	if err != nil && (len(write) == 1 || fault.KindOf(err) == fault.Unavailable) {
		answer(write, err)
	} else if err != nil {
		// Nothing was written, for the sake of one of them: each for itself. Where
		// the database goes away over it, it is not asked once more for each.
		for i := range write {
			if fault.KindOf(err) != fault.Unavailable {
				err = a.try(write[i : i+1])
			}
			if err != nil {
				answer(write[i:i+1], err)
			}
		}
	}
	// Only now: their handle is there to be read.
	if fault.KindOf(err) != fault.Unavailable {
		err = errReadAgain
	}
	answer(again, err)
}

// inOrder returns what is to be written, in the order of identifiers: two
// processes whose batches make the same handles then wait for each other in one
// order, and the order on disk is not that of asking. Of those that would each
// make a handle for one identifier the first does, and the others read again.
// Those who have gone are in neither.
func inOrder(batch []*waiting) (write, again []*waiting) {
	batch = slices.Clone(batch) // settle still answers all of it after a panic
	slices.SortStableFunc(batch, func(a, b *waiting) int {
		return cmp.Or(cmp.Compare(a.Column, b.Column), bytes.Compare(a.token, b.token))
	})
	var last *waiting
	for _, w := range batch {
		select {
		case <-w.gone:
			continue
		default:
		}
		if last != nil && w.Column == last.Column && bytes.Equal(w.token, last.token) && w.Handle != last.Handle {
			again = append(again, w)
			continue
		}
		write, last = append(write, w), w
	}
	return write, again
}

// try writes a batch, and answers everybody in it unless it fails: then nothing
// is written. Who is not among the written has a handle that came about in the
// meantime. It is not bound to anybody's context: one who goes must not take the
// others' answers away.
func (a *appender) try(batch []*waiting) error {
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	written, err := a.write(ctx, params(batch))
	if outdated(err) { // of one of them, and as likely of all
		answer(batch, errReadAgain)
		return nil
	} else if err != nil {
		return pg.Fault(err)
	}
	stored := make(map[ident.EnquiryID]bool, len(written))
	for _, id := range written {
		stored[id] = true
	}
	for i, w := range batch {
		if stored[w.Enquiry] {
			answer(batch[i:i+1], nil)
		} else {
			answer(batch[i:i+1], errReadAgain)
		}
	}
	return nil
}

func answer(batch []*waiting, err error) {
	for _, w := range batch {
		select {
		case w.done <- err:
		default: // answered before the panic
		}
	}
}

// params are the entries as the statement takes them: an array for each column.
func params(batch []*waiting) relmgrdb.RecordEnquiriesParams {
	var p relmgrdb.RecordEnquiriesParams
	p.ToldEnquiries, p.ToldHandles, p.ToldDecisions = []string{}, []string{}, []string{}
	p.UsedEnquiries, p.UsedDecisions = []string{}, []string{}
	p.ClashEnquiries, p.ClashGrants, p.ClashWithholdings = []string{}, []string{}, []string{}
	for _, w := range batch {
		p.EnquiryIds = append(p.EnquiryIds, w.Enquiry.String())
		p.Ats = append(p.Ats, w.At)
		p.PractitionerIds = append(p.PractitionerIds, string(w.Practitioner))
		p.AgencyIds = append(p.AgencyIds, string(w.Agency))
		p.Roles = append(p.Roles, w.role)
		p.ColumnIds = append(p.ColumnIds, string(w.Column))
		p.HandleIds = append(p.HandleIds, w.Handle.String())
		p.Purposes = append(p.Purposes, w.Purpose)
		p.Reasons = append(p.Reasons, w.Reason)
		p.Concernings = append(p.Concernings, w.Concerning)
		p.Transactions = append(p.Transactions, w.Transaction)
		p.Emergencies = append(p.Emergencies, w.Emergency)
		p.ReviewDues = append(p.ReviewDues, w.At.Add(reviewWithin))
		p.TermsVersions = append(p.TermsVersions, w.termsVersion)
		p.Commitments = append(p.Commitments, w.leaf.Commitment)
		p.Contents = append(p.Contents, w.leaf.Sealed)
		p.WrappedKeys = append(p.WrappedKeys, w.leaf.WrappedKey)
		p.Tokens, p.TokensB = append(p.Tokens, w.fresh.Token), append(p.TokensB, w.fresh.TokenB)
		p.TokenEpochs = append(p.TokenEpochs, w.fresh.TokenEpoch)
		p.HandleContents = append(p.HandleContents, w.fresh.Sealed)
		p.HandleWrappedKeys = append(p.HandleWrappedKeys, w.fresh.WrappedKey)
		p.HandleWrappedBy = append(p.HandleWrappedBy, w.fresh.WrappedBy)
		p.RowIds = append(p.RowIds, w.fresh.RowID.String())
		for _, c := range w.clashes {
			p.ClashEnquiries = append(p.ClashEnquiries, w.Enquiry.String())
			p.ClashGrants, p.ClashWithholdings = append(p.ClashGrants, c.Grant.String()), append(p.ClashWithholdings, c.Withholding.String())
		}
		for _, d := range w.Disclosed {
			p.ToldEnquiries = append(p.ToldEnquiries, w.Enquiry.String())
			p.ToldHandles = append(p.ToldHandles, d.Handle.String())
			p.ToldDecisions = append(p.ToldDecisions, d.Decision.String())
			if d.once {
				p.UsedEnquiries, p.UsedDecisions = append(p.UsedEnquiries, w.Enquiry.String()), append(p.UsedDecisions, d.Decision.String())
			}
		}
	}
	return p
}
