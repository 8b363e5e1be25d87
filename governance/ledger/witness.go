package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

// WitnessKey is the key that cosigns peers' checkpoints. It signs nothing else:
// what an Ed25519 cosignature says does not name its key.
const WitnessKey seal.KeyID = "note/witness/1"

// WitnessNameOf is the name of a hub's witness key.
func WitnessNameOf(hub string) string { return OriginOf(hub) + "/witness" }

// WitnessVerifierKey is the public key of a hub's witness, as C2SP
// tlog-cosignature has it: what peers are given who want to be witnessed.
func WitnessVerifierKey(ctx context.Context, keys seal.Provider, hub string) (string, error) {
	s, err := newNoteSigner(ctx, keys, WitnessKey, WitnessNameOf(hub))
	if err != nil {
		return "", err
	}
	return f_note.VKeyToCosignatureV1(s.vkey)
}

// cosigner makes cosignatures (C2SP tlog-cosignature, Ed25519).
type cosigner struct {
	note.Verifier
	now  func() time.Time
	sign func([]byte) ([]byte, error)
}

func newCosigner(ctx context.Context, keys seal.Provider, hub string, now func() time.Time) (*cosigner, error) {
	s, err := newNoteSigner(ctx, keys, WitnessKey, WitnessNameOf(hub))
	if err != nil {
		return nil, err
	}
	v, err := f_note.NewVerifierForCosignatureV1(s.vkey)
	if err != nil {
		return nil, err
	}
	return &cosigner{v, now, s.sign}, nil
}

// Sign is note.Signer's: the time, and a signature over it and the checkpoint.
func (c *cosigner) Sign(msg []byte) ([]byte, error) {
	at := uint64(c.now().Unix())
	sig, err := c.sign(fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, msg))
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint64(nil, at), sig...), nil
}

// mostProofLines is C2SP's bound on a consistency proof.
const mostProofLines = 63

// submission is the body of an add-checkpoint request, as far as it says what
// is in it without any key.
type submission struct {
	old    int64
	proof  [][]byte
	note   string
	origin string
}

var errSubmission = fault.New(fault.Malformed,
	"send an old size line, the lines of the consistency proof, an empty line and a signed checkpoint: see C2SP tlog-witness")

// parseSubmission reads the body of an add-checkpoint request, in its one form.
func parseSubmission(body []byte) (submission, error) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return submission{}, errSubmission
	}
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !ok || err != nil || old < 0 || strconv.FormatInt(old, 10) != size || len(lines)-1 > mostProofLines {
		return submission{}, errSubmission
	}
	s := submission{old: old, note: string(signed)}
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(hash) != hashSize || base64.StdEncoding.EncodeToString(hash) != line {
			return submission{}, errSubmission
		}
		s.proof = append(s.proof, hash)
	}
	if s.origin, _, ok = strings.Cut(s.note, "\n"); !ok || s.origin == "" {
		return submission{}, errSubmission
	}
	return s, nil
}

// Verdict is what a witness answers.
type Verdict struct {
	// Cosignature is the signature line; empty where Size is told instead.
	Cosignature []byte
	// Stale says that the old size is not that of the latest checkpoint cosigned,
	// or that its root is another: Size is what has been cosigned (409).
	Stale bool
	Size  int64
}

// AddCheckpoint cosigns a peer's checkpoint if its log grew out of the latest
// that this hub has cosigned (C2SP tlog-witness). It returns NotKnown for the
// log of nobody, Forbidden where no signature of the log verifies, Malformed,
// and Invalid where the consistency proof does not verify.
//
// Checking and storing are one transaction under a lock of the log, and the
// cosignature leaves after the commit: of two requests at once the second is
// judged by what the first has stored, and nothing cosigned is ever forgotten.
// A checkpoint that does not fit is kept, once, with an act, and raises an alert.
func (l *Log) AddCheckpoint(ctx context.Context, body []byte) (v Verdict, err error) {
	defer fault.Wrap(&err, "ledger.AddCheckpoint")
	s, err := parseSubmission(body)
	if err != nil {
		return v, err
	}
	peer, ok := l.peers[s.origin]
	if !ok {
		return v, fault.New(fault.NotKnown, "this hub is no witness of that log")
	}
	cp, err := openOf(s.note, s.origin, peer)
	if err != nil {
		return v, err
	}
	if s.old > cp.size {
		return v, fault.New(fault.Malformed, "the old size is larger than the checkpoint's")
	}
	var refused error
	err = pg.InTx(ctx, l.db, func(tx *sql.Tx) error {
		refused = nil
		v, refused, err = l.witness(ctx, tx, s, cp)
		return err
	})
	if err == nil {
		err = refused
	}
	return v, err
}

// openOf reads a peer's checkpoint by its own key; signatures of unknown keys
// are ignored.
func openOf(signed, origin string, key note.Verifier) (checkpoint, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(key))
	if _, bad := errors.AsType[*note.InvalidSignatureError](err); bad {
		return checkpoint{}, errUnsigned
	}
	if _, none := errors.AsType[*note.UnverifiedNoteError](err); none {
		return checkpoint{}, errUnsigned
	}
	if err != nil {
		return checkpoint{}, errSubmission
	}
	cp, err := parseCheckpoint(n.Text)
	if err != nil || cp.origin != origin {
		return checkpoint{}, errSubmission
	}
	return cp, nil
}

var errUnsigned = fault.New(fault.Forbidden, "no signature of the log verifies under the key that this hub has for it")

// witness judges a checkpoint and stores it, or what it proves. refused is a
// refusal that is to be told after the transaction has committed.
func (l *Log) witness(ctx context.Context, tx *sql.Tx, s submission, cp checkpoint) (v Verdict, refused, err error) {
	if err := l.q.LockWitnessed(ctx, tx, s.origin); err != nil {
		return v, nil, err
	}
	held, err := l.q.FindWitnessed(ctx, tx, s.origin)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return v, nil, err
	}
	empty := sha256.Sum256(nil)
	if held.Size == 0 {
		held.Root = empty[:]
	}
	// Two roots of one size are two stories, whatever the request says is old.
	if cp.size == held.Size && !bytes.Equal(cp.root[:], held.Root) {
		return Verdict{Stale: true, Size: held.Size}, nil, l.split(ctx, tx, s, cp, held.Note)
	}
	if s.old != held.Size {
		return Verdict{Stale: true, Size: held.Size}, nil, nil
	}
	if !grewOutOf(s, cp, held.Root) {
		return v, fault.New(fault.Invalid, "the consistency proof does not verify"), l.split(ctx, tx, s, cp, held.Note)
	}
	if err := l.q.PutWitnessed(ctx, tx, governancedb.PutWitnessedParams{Origin: s.origin, Size: cp.size, Root: cp.root[:], Note: s.note}); err != nil {
		return v, nil, err
	}
	signed, err := note.Sign(&note.Note{Text: textOf(s.note)}, l.cosigner)
	if err != nil {
		return v, nil, err
	}
	_, v.Cosignature, _ = bytes.Cut(signed, []byte("\n\n"))
	return v, nil, nil
}

// textOf is the body of a note that has been opened.
func textOf(signed string) string {
	return signed[:strings.LastIndex(signed, "\n\n")+1]
}

func grewOutOf(s submission, cp checkpoint, root []byte) bool {
	if s.old == 0 || s.old == cp.size {
		return len(s.proof) == 0 && (cp.size > 0 || bytes.Equal(cp.root[:], root))
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(s.old), uint64(cp.size), s.proof, root, cp.root[:]) == nil
}

// SplitView is a signed checkpoint that does not fit one that was signed
// before: the log behind it has told two stories, or whoever sent it gave a
// proof that proves nothing.
type SplitView struct {
	Origin string
	Size   int64
	Root   tlog.Hash
	Note   string // the one that does not fit
	Held   string // the one that it does not fit
}

// split keeps a checkpoint that does not fit, with an act, and raises the alert;
// the same one again is counted and kept no second time.
func (l *Log) split(ctx context.Context, tx *sql.Tx, s submission, cp checkpoint, held string) error {
	l.splits.Inc()
	l.log.ErrorContext(ctx, "a log tells two stories", "alert", "split-view", "log", s.origin, "size", cp.size)
	known, err := l.q.FindSplitView(ctx, tx, governancedb.FindSplitViewParams{Origin: s.origin, Size: cp.size, Root: cp.root[:]})
	if err != nil || known {
		return err
	}
	act, err := l.alarm(ctx, tx, SplitView{s.origin, cp.size, cp.root, s.note, held})
	if err != nil {
		return err
	}
	return l.q.AddSplitView(ctx, tx, governancedb.AddSplitViewParams{
		Origin: s.origin, Size: cp.size, Root: cp.root[:], Note: s.note, Held: held, ActID: act,
	})
}

// Alarm records the act of a split view, in tx.
type Alarm func(ctx context.Context, tx *sql.Tx, v SplitView) (ident.ActID, error)
