package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/internal/pg"
)

const (
	// cosignEvery is how often witnesses are asked, if there is anything new.
	cosignEvery = time.Second
	// askLimit bounds one request to a witness.
	askLimit = 5 * time.Second
	// patience is for how long a checkpoint without a quorum is held back. After
	// it the newest is served with what it has: a log that nobody witnesses for a
	// while is better than one that stands still, and the alert says so.
	patience = 15 * time.Second
	// mostAnswer bounds what is read of a witness's answer.
	mostAnswer = 16 << 10
)

// Witness is one that cosigns this hub's checkpoints.
type Witness struct {
	URL string // its submission prefix
	Key string // its public key (C2SP tlog-cosignature), Ed25519 or ML-DSA-44
}

// asked is a witness that is asked.
type asked struct {
	url      string
	verifier note.Verifier
	size     int64 // what it has cosigned of this log, as far as is known
}

func newAsked(w Witness) (*asked, error) {
	v, err := f_note.NewVerifierForCosignatureV1(w.Key)
	if err != nil {
		return nil, fmt.Errorf("the key of a witness cannot be read: %w", err)
	}
	if !strings.HasPrefix(w.URL, "https://") && !strings.HasPrefix(w.URL, "http://") {
		return nil, errors.New("the address of a witness begins with https://")
	}
	return &asked{url: strings.TrimRight(w.URL, "/") + "/add-checkpoint", verifier: v}, nil
}

// cosign has witnesses cosign the newest checkpoint until ctx is done.
func (l *Log) cosign(ctx context.Context) {
	tick := time.NewTicker(cosignEvery)
	defer tick.Stop()
	for {
		if err := l.askAll(ctx); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "witnesses cannot be asked", "cause", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// askAll asks every witness that has not cosigned the newest checkpoint, and
// notes whether a quorum has. It returns an error where the database failed.
func (l *Log) askAll(ctx context.Context) error {
	row, cp, err := l.newestHead(ctx)
	if err != nil || row.Number == 0 {
		return err
	}
	have, err := l.q.ListCosignatures(ctx, l.db, row.Number)
	if err != nil {
		return pg.Fault(err)
	}
	signed := map[string]bool{}
	for _, c := range have {
		signed[c.Witness] = true
	}
	var all sync.WaitGroup
	for _, w := range l.witnesses {
		if signed[w.verifier.Name()] {
			continue
		}
		all.Go(func() {
			if err := l.ask(ctx, w, row, cp); err != nil && ctx.Err() == nil {
				l.log.WarnContext(ctx, "a witness did not cosign", "witness", w.verifier.Name(), "cause", err.Error())
			}
		})
	}
	all.Wait()
	if have, err = l.q.ListCosignatures(ctx, l.db, row.Number); err != nil {
		return pg.Fault(err)
	}
	if len(have) >= l.quorum {
		l.mu.Lock()
		l.witnessedAt = l.now()
		l.mu.Unlock()
	}
	return nil
}

// ask has one witness cosign a checkpoint. One that says what it has cosigned
// before is asked again from there, once.
func (l *Log) ask(ctx context.Context, w *asked, row governancedb.LedgerCheckpoint, cp checkpoint) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if w.size == 0 {
		size, err := l.q.FindCosignedSize(ctx, l.db, w.verifier.Name())
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return pg.Fault(err)
		}
		w.size = size
	}
	for again := range 2 {
		status, body, err := l.send(ctx, w, row, cp)
		if err != nil {
			return err
		}
		switch status {
		case http.StatusOK:
			line, err := cosignatureOf(row.Note, body, w.verifier)
			if err != nil {
				return err
			}
			w.size = cp.size
			return pg.Fault(l.q.AddCosignature(ctx, l.db, governancedb.AddCosignatureParams{Number: row.Number, Witness: w.verifier.Name(), Line: line}))
		case http.StatusConflict:
			size, err := sizeOf(body)
			switch {
			case err != nil:
				return err
			case size > cp.size:
				return l.forked(ctx, w, "the witness has cosigned a larger tree of this log than there is: was a backup restored?")
			case size == cp.size && again > 0:
				return l.forked(ctx, w, "the witness has cosigned another root of this size")
			}
			w.size = size
		case http.StatusUnprocessableEntity:
			return l.forked(ctx, w, "the tree did not grow out of what the witness has cosigned")
		default:
			return fmt.Errorf("it answered %d", status)
		}
	}
	return errors.New("it has cosigned something else in the meantime")
}

// forked raises the alert for this hub's own log. The evidence is the witness's.
func (l *Log) forked(ctx context.Context, w *asked, what string) error {
	l.splits.Inc()
	l.log.ErrorContext(ctx, "this hub's log tells two stories", "alert", "split-view", "log", l.origin, "witness", w.verifier.Name(), "cause", what)
	return errors.New(what)
}

func (l *Log) send(ctx context.Context, w *asked, row governancedb.LedgerCheckpoint, cp checkpoint) (int, []byte, error) {
	hashes, err := l.consistency(ctx, min(w.size, cp.size), cp)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(addCheckpointBody(min(w.size, cp.size), hashes, row.Note)))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := l.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	return resp.StatusCode, body, err
}

// sizeOf reads the body of a 409 (text/x.tlog.size).
func sizeOf(body []byte) (int64, error) {
	text, ok := strings.CutSuffix(string(body), "\n")
	n, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, errors.New("it answered 409 without the size that it has cosigned")
	}
	return n, nil
}

// cosignatureOf is the signature line of a witness in its answer, checked.
// Lines of other keys are ignored.
func cosignatureOf(signed string, answer []byte, v note.Verifier) (string, error) {
	n, err := note.Open(append([]byte(signed), answer...), note.VerifierList(v))
	if err != nil || len(n.Sigs) != 1 {
		return "", errors.New("its answer is no cosignature of this checkpoint by the key that this hub has for it")
	}
	return fmt.Sprintf("— %s %s\n", n.Sigs[0].Name, n.Sigs[0].Base64), nil
}

// withCosignatures is a checkpoint with the cosignatures that it has.
func (l *Log) withCosignatures(ctx context.Context, row governancedb.LedgerCheckpoint) (string, error) {
	if len(l.witnesses) == 0 {
		return row.Note, nil
	}
	lines, err := l.q.ListCosignatures(ctx, l.db, row.Number)
	if err != nil {
		return "", pg.Fault(err)
	}
	signed := row.Note
	for _, c := range lines {
		signed += c.Line
	}
	return signed, nil
}
