package ledger

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
)

// Checkpoint is the newest signed tree head, as C2SP tlog-checkpoint has it, with
// the cosignatures of witnesses. Where there are witnesses it is the newest that
// a quorum has cosigned, unless they have been away for longer than patience.
// NotKnown says that nothing has been sequenced yet.
func (l *Log) Checkpoint(ctx context.Context) (_ []byte, err error) {
	defer fault.Wrap(&err, "ledger.Checkpoint")
	signed, _, err := l.head(ctx, 0)
	return []byte(signed), err
}

// newestHead is the newest checkpoint, checked against its own signature: what
// does not verify is not handed on. Its number is 0 where there is none.
func (l *Log) newestHead(ctx context.Context) (governancedb.LedgerCheckpoint, checkpoint, error) {
	row, err := l.q.FindCheckpoint(ctx, l.db)
	if errors.Is(err, sql.ErrNoRows) {
		return row, checkpoint{}, nil
	} else if err != nil {
		return row, checkpoint{}, pg.Fault(err)
	}
	cp, err := open(row.Note, l.origin, l.signer)
	return row, cp, err
}

// head is the checkpoint that is served, of size leaves at least: the newest
// that a quorum has cosigned, or else the newest.
func (l *Log) head(ctx context.Context, size int64) (string, checkpoint, error) {
	row, cp, err := l.newestHead(ctx)
	if err != nil {
		return "", checkpoint{}, err
	}
	if row.Number == 0 {
		return "", checkpoint{}, fault.New(fault.NotKnown, "the log has no checkpoint yet")
	}
	if l.quorum > 0 && l.WitnessLag() < patience {
		older, err := l.q.FindCosigned(ctx, l.db, int32(l.quorum))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", checkpoint{}, pg.Fault(err)
		}
		if err == nil && older.Size >= size {
			row = older
			if cp, err = open(row.Note, l.origin, l.signer); err != nil {
				return "", checkpoint{}, err
			}
		}
	}
	signed, err := l.withCosignatures(ctx, row)
	return signed, cp, err
}

// Tile is the first width hashes of a tile of C2SP tlog-tiles. NotKnown says
// that the tree has no such tile, or not that wide.
func (l *Log) Tile(ctx context.Context, level int, number int64, width int) (_ []byte, err error) {
	defer fault.Wrap(&err, "ledger.Tile")
	hashes, err := l.q.FindTile(ctx, l.db, governancedb.FindTileParams{Level: int16(level), Number: number})
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(hashes) < width*hashSize {
		return nil, errNoTile
	} else if err != nil {
		return nil, pg.Fault(err)
	}
	return hashes[:width*hashSize], nil
}

// Entries is the first width entries of a bundle of C2SP tlog-tiles. An entry is
// a commitment and nothing else.
func (l *Log) Entries(ctx context.Context, number int64, width int) (_ []byte, err error) {
	defer fault.Wrap(&err, "ledger.Entries")
	first := number * tileWidth
	commitments, err := l.q.ListCommitments(ctx, l.db, governancedb.ListCommitmentsParams{First: first, Past: first + int64(width)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	if len(commitments) != width {
		return nil, errNoTile
	}
	var out []byte
	for _, c := range commitments {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(c))), c...)
	}
	return out, nil
}

var errNoTile = fault.New(fault.NotKnown, "the tree has no such tile: read the checkpoint for its size")

// Inclusion proves that a commitment is in the tree of the newest checkpoint: a
// C2SP tlog-proof, to be checked offline with the log's public key alone. It
// returns Unavailable for a commitment that waits for its position, within a
// second, and NotKnown for one that nobody has made.
func (l *Log) Inclusion(ctx context.Context, commitment [hashSize]byte) (_ []byte, err error) {
	defer fault.Wrap(&err, "ledger.Inclusion")
	position, err := l.q.FindPosition(ctx, l.db, commitment[:])
	if errors.Is(err, sql.ErrNoRows) {
		if err := l.waits(ctx, commitment); err != nil {
			return nil, err
		}
		// Not in the inbox, either: the sequencer may have taken it since the first look.
		position, err = l.q.FindPosition(ctx, l.db, commitment[:])
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotKnown, "the log has no such commitment")
	} else if err != nil {
		return nil, pg.Fault(err)
	}
	signed, cp, err := l.head(ctx, position+1) // after the position: the newest covers it
	if err != nil {
		return nil, err
	}
	hashes, err := tlog.ProveRecord(cp.size, position, l.hashes(ctx, cp))
	if err != nil {
		return nil, unprovable(err)
	}
	p := proof.TLogProof{Index: uint64(position), Checkpoint: []byte(signed)}
	for _, h := range hashes {
		p.Hashes = append(p.Hashes, h)
	}
	return p.Marshal(), nil
}

// waits returns Unavailable if the commitment waits for its position.
func (l *Log) waits(ctx context.Context, commitment [hashSize]byte) error {
	waits, err := l.q.IsPending(ctx, l.db, commitment[:])
	switch {
	case err != nil:
		return pg.Fault(err)
	case waits:
		return &fault.Error{Kind: fault.Unavailable, Detail: "this commitment has no position yet: ask again", RetryAfter: time.Second}
	}
	return nil
}

// Consistency proves that the tree of the newest checkpoint grew out of the
// first size leaves: a body of C2SP tlog-witness, an old size, the hashes, and
// the checkpoint. It returns Invalid for a size that the tree has not reached.
func (l *Log) Consistency(ctx context.Context, size int64) (_ []byte, err error) {
	defer fault.Wrap(&err, "ledger.Consistency")
	signed, cp, err := l.head(ctx, size)
	if err != nil {
		return nil, err
	}
	hashes, err := l.consistency(ctx, size, cp)
	if err != nil {
		return nil, err
	}
	return addCheckpointBody(size, hashes, signed), nil
}

func (l *Log) consistency(ctx context.Context, size int64, cp checkpoint) ([]tlog.Hash, error) {
	switch {
	case size < 0 || size > cp.size:
		return nil, fault.New(fault.Invalid, "give a size that the log has had: the checkpoint says how large it is now")
	case size == 0 || size == cp.size:
		return nil, nil
	}
	hashes, err := tlog.ProveTree(cp.size, size, l.hashes(ctx, cp))
	if err != nil {
		return nil, unprovable(err)
	}
	return hashes, nil
}

// addCheckpointBody is the body of an add-checkpoint request.
func addCheckpointBody(size int64, hashes []tlog.Hash, note string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", size)
	for _, h := range hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n" + note)
	return []byte(b.String())
}

// unprovable: a fault of the database stays one; everything else means that the
// stored tree is not the signed one.
func unprovable(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return fmt.Errorf("the stored tiles do not fit the checkpoint: run `fame verify`: %w", err)
}

// hashes reads the tree of a checkpoint. Every tile is checked against the
// checkpoint's root before a hash of it is used, so that a tile that was
// tampered with gives no proof instead of a wrong one.
func (l *Log) hashes(ctx context.Context, cp checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: cp.size, Hash: cp.root}, &tileReader{l, ctx})
}

// tileReader is tlog.TileReader over the stored tiles, for one request.
type tileReader struct {
	log *Log
	ctx context.Context
}

func (*tileReader) Height() int { return tileHeight }

func (*tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var of governancedb.ListTilesParams
	for _, t := range tiles {
		of.Levels, of.Numbers = append(of.Levels, int16(t.L)), append(of.Numbers, t.N)
	}
	rows, err := r.log.q.ListTiles(r.ctx, r.log.db, of)
	if err != nil {
		return nil, pg.Fault(err)
	}
	stored := make(map[tileID][]byte, len(rows))
	for _, t := range rows {
		stored[tileID{t.Level, t.Number}] = t.Hashes
	}
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		b := stored[tileID{int16(t.L), t.N}]
		if len(b) < t.W*hashSize {
			return nil, fmt.Errorf("tile %d/%d is missing or too short", t.L, t.N)
		}
		out[i] = b[:t.W*hashSize]
	}
	return out, nil
}
