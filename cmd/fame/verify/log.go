package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

type (
	leaf struct {
		position   int64 // -1: it waits for one
		commitment []byte
	}
	tile struct {
		level, number int64
		hashes        []byte
	}
	checkpoint struct {
		number, size int64
		root         []byte
		note         string
	}
)

// checkLog rebuilds the tree from the leaves alone, and compares.
func (v *verification) checkLog(ctx context.Context) error {
	key, err := note.NewVerifier(v.hub.VerifierKey)
	if err != nil {
		return fmt.Errorf("the log's public key cannot be read: %w", err)
	}
	leaves, err := open(ctx, v.governance, "leaves", "select position, commitment from ledger.leaves order by position",
		func(r *sql.Rows, l *leaf) error { return r.Scan(&l.position, &l.commitment) })
	if err != nil {
		return err
	}
	tiles, err := open(ctx, v.governance, "tiles", "select level, number, hashes from ledger.tiles order by level, number",
		func(r *sql.Rows, t *tile) error { return r.Scan(&t.level, &t.number, &t.hashes) })
	if err != nil {
		return err
	}
	checkpoints, err := open(ctx, v.governance, "checkpoints", "select number, size, root, note from ledger.checkpoints order by number",
		func(r *sql.Rows, c *checkpoint) error { return r.Scan(&c.number, &c.size, &c.root, &c.note) })
	if err != nil {
		return err
	}
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	var row, upper []byte // of level 0: the tile that fills now, and the roots of the full ones
	number := int64(0)    // of that tile
	for {
		// Every checkpoint of the size that the tree has now.
		for {
			c, err := checkpoints.peek(ctx)
			if err != nil {
				return err
			}
			if c == nil || c.size > v.Size {
				break
			}
			if _, err := checkpoints.take(ctx); err != nil {
				return err
			}
			if err := v.checkCheckpoint(c, tree, key); err != nil {
				return err
			}
		}
		l, err := leaves.take(ctx)
		if err != nil {
			return err
		}
		if l == nil {
			break
		}
		if l.position != v.Size {
			if err := v.found(fmt.Sprintf("leaf %d", v.Size), "it is missing: the next one stands at %d", l.position); err != nil {
				return err
			}
		}
		hash := rfc6962.DefaultHasher.HashLeaf(l.commitment)
		if err := tree.Append(hash, nil); err != nil {
			return err
		}
		v.Size++
		if row = append(row, hash...); len(row) == 256*sha256.Size {
			if err := v.checkTile(ctx, tiles, tile{0, number, row}); err != nil {
				return err
			}
			upper, row, number = append(upper, perfect(row)...), row[:0], number+1
		}
	}
	if len(row) > 0 {
		if err := v.checkTile(ctx, tiles, tile{0, number, row}); err != nil {
			return err
		}
	}
	for level := int64(1); len(upper) > 0; level++ {
		hashes, next := upper, []byte(nil)
		for n := int64(0); len(hashes) > 0; n++ {
			part := hashes[:min(len(hashes), 256*sha256.Size)]
			hashes = hashes[len(part):]
			if err := v.checkTile(ctx, tiles, tile{level, n, part}); err != nil {
				return err
			}
			if len(part) == 256*sha256.Size {
				next = append(next, perfect(part)...)
			}
		}
		upper = next
	}
	if err := v.noMoreTiles(ctx, tiles); err != nil {
		return err
	}
	// What is left of the checkpoints speaks of leaves that are not there.
	for {
		c, err := checkpoints.take(ctx)
		if err != nil {
			return err
		}
		if c == nil {
			break
		}
		v.Checkpoints++
		if err := v.found(fmt.Sprintf("checkpoint %d", c.number), "it is of %d leaves, and the log has %d", c.size, v.Size); err != nil {
			return err
		}
	}
	if err := v.checkCosignatures(ctx); err != nil {
		return err
	}
	if v.covered != v.Size {
		return v.found(fmt.Sprintf("leaf %d", v.covered), "no good checkpoint covers it, or anything after it")
	}
	return nil
}

// checkCheckpoint compares a checkpoint with the tree of its size.
func (v *verification) checkCheckpoint(c *checkpoint, tree *compact.Range, key note.Verifier) error {
	v.Checkpoints++
	place := fmt.Sprintf("checkpoint %d", c.number)
	if c.number != v.Checkpoints {
		if err := v.found(fmt.Sprintf("checkpoint %d", v.Checkpoints), "it is missing: the next one is %d", c.number); err != nil {
			return err
		}
		v.Checkpoints = c.number
	}
	if c.size != v.Size {
		return v.found(place, "its size, %d, is out of order", c.size)
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return err
	}
	signed, err := note.Open([]byte(c.note), note.VerifierList(key))
	if err != nil {
		return v.found(place, "its signature does not verify under the log's key")
	}
	want := fmt.Sprintf("%s\n%d\n%s\n", key.Name(), v.Size, base64.StdEncoding.EncodeToString(root))
	switch {
	case signed.Text != want:
		return v.found(place, "what is signed is another tree than the %d leaves make", v.Size)
	case !strings.HasPrefix(c.note, want+"\n") || len(signed.Sigs) != 1 || len(signed.UnverifiedSigs) != 0:
		return v.found(place, "its note has something beside the log's signature")
	case !bytes.Equal(c.root, root):
		return v.found(place, "the root that stands beside the note is not the note's")
	}
	v.Root, v.covered = base64.StdEncoding.EncodeToString(root), c.size
	return nil
}

// checkCosignatures checks what known witnesses have signed.
func (v *verification) checkCosignatures(ctx context.Context) error {
	known := map[string]note.Verifier{}
	for _, key := range v.hub.Witnesses {
		w, err := f_note.NewVerifierForCosignatureV1(key)
		if err != nil {
			return fmt.Errorf("the key of a witness cannot be read: %w", err)
		}
		known[w.Name()] = w
	}
	type cosignature struct {
		number              int64
		note, witness, line string
	}
	rows, err := open(ctx, v.governance, "cosignatures", `select s.number, coalesce(c.note, ''), s.witness, s.line from ledger.cosignatures s
		left join ledger.checkpoints c on c.number = s.number order by s.number, s.witness`,
		func(r *sql.Rows, c *cosignature) error { return r.Scan(&c.number, &c.note, &c.witness, &c.line) })
	if err != nil {
		return err
	}
	for {
		c, err := rows.take(ctx)
		if err != nil || c == nil {
			return err
		}
		w := known[c.witness]
		if w == nil {
			continue
		}
		if n, err := note.Open([]byte(c.note+c.line), note.VerifierList(w)); err != nil || len(n.Sigs) != 1 || c.line != fmt.Sprintf("— %s %s\n", n.Sigs[0].Name, n.Sigs[0].Base64) {
			if err := v.found(fmt.Sprintf("checkpoint %d", c.number), "a cosignature of %s does not verify", c.witness); err != nil {
				return err
			}
		}
	}
}

// checkTile compares the next stored tile with the one that the leaves make.
func (v *verification) checkTile(ctx context.Context, tiles *cursor[tile], want tile) error {
	place := fmt.Sprintf("tile %d/%d", want.level, want.number)
	for {
		have, err := tiles.peek(ctx)
		if err != nil {
			return err
		}
		if have == nil || have.level > want.level || have.level == want.level && have.number > want.number {
			return v.found(place, "it is missing")
		}
		if _, err := tiles.take(ctx); err != nil {
			return err
		}
		if have.level < want.level || have.number < want.number {
			if err := v.found(fmt.Sprintf("tile %d/%d", have.level, have.number), "the tree has no such tile"); err != nil {
				return err
			}
			continue
		}
		if !bytes.Equal(have.hashes, want.hashes) {
			return v.found(place, "its hashes are not those of the leaves")
		}
		return nil
	}
}

func (v *verification) noMoreTiles(ctx context.Context, tiles *cursor[tile]) error {
	for {
		have, err := tiles.take(ctx)
		if err != nil || have == nil {
			return err
		}
		if err := v.found(fmt.Sprintf("tile %d/%d", have.level, have.number), "the tree has no such tile"); err != nil {
			return err
		}
	}
}

// perfect is the root over hashes side by side, a power of two of them.
func perfect(hashes []byte) []byte {
	for len(hashes) > sha256.Size {
		var up []byte
		for ; len(hashes) > 0; hashes = hashes[2*sha256.Size:] {
			up = append(up, rfc6962.DefaultHasher.HashChildren(hashes[:sha256.Size], hashes[sha256.Size:2*sha256.Size])...)
		}
		hashes = up
	}
	return hashes
}

// record is one record, by its commitment.
type record struct {
	commitment []byte
	kind, id   string
}

func (r *record) place() string { return r.kind + " " + r.id }

// checkCoverage reads the records of every duty and the leaves side by side, in
// the order of their commitments.
func (v *verification) checkCoverage(ctx context.Context) error {
	leaves, err := open(ctx, v.governance, "commitments", `select position, commitment from ledger.leaves
		union all select -1, commitment from ledger.pending order by 2, 1`,
		func(r *sql.Rows, l *leaf) error { return r.Scan(&l.position, &l.commitment) })
	if err != nil {
		return err
	}
	records, err := v.openRecords(ctx)
	if err != nil {
		return err
	}
	var last []byte // the commitment of the last record
	for {
		r, err := records.take(ctx)
		if err != nil {
			return err
		}
		// Leaves before the record have none.
		for {
			l, err := leaves.peek(ctx)
			if err != nil {
				return err
			}
			if l == nil || r != nil && bytes.Compare(l.commitment, r.commitment) >= 0 {
				break
			}
			if _, err := leaves.take(ctx); err != nil {
				return err
			}
			if err := v.checkOrphan(l, last); err != nil {
				return err
			}
		}
		if r == nil {
			return nil
		}
		v.Records[r.kind]++
		if bytes.Equal(r.commitment, last) {
			if err := v.found(r.place(), "another record has the same commitment"); err != nil {
				return err
			}
			continue
		}
		last = r.commitment
		l, err := leaves.peek(ctx)
		if err != nil {
			return err
		}
		if l == nil || !bytes.Equal(l.commitment, r.commitment) {
			if err := v.found(r.place(), "its commitment is not in the log"); err != nil {
				return err
			}
			continue
		}
		if _, err := leaves.take(ctx); err != nil {
			return err
		}
		if l.position < 0 {
			v.Pending++
		}
	}
}

// checkOrphan names a leaf that no record accounts for.
func (v *verification) checkOrphan(l *leaf, last []byte) error {
	place := fmt.Sprintf("leaf %d", l.position)
	if l.position < 0 {
		v.Pending++
		place = "waiting commitment " + hex.EncodeToString(l.commitment)
	}
	if bytes.Equal(l.commitment, last) {
		return v.found(place, "its commitment is in the log twice")
	}
	return v.found(place, "no record has its commitment: one was removed or altered")
}

// byCommitment reads several cursors as one, in the order of commitments.
type byCommitment []*cursor[record]

func (all byCommitment) take(ctx context.Context) (*record, error) {
	var least *record
	var from *cursor[record]
	for _, c := range all {
		r, err := c.peek(ctx)
		if err != nil {
			return nil, err
		}
		if r != nil && (least == nil || bytes.Compare(r.commitment, least.commitment) < 0) {
			least, from = r, c
		}
	}
	if from == nil {
		return nil, nil
	}
	return from.take(ctx)
}

func (v *verification) openRecords(ctx context.Context) (byCommitment, error) {
	var out byCommitment
	for i, k := range kinds {
		c, err := open(ctx, v.tx(k.duty), fmt.Sprintf("records_%d", i),
			"select commitment, "+k.id+"::text from "+k.table+" r order by commitment",
			func(r *sql.Rows, to *record) error {
				to.kind = k.name
				return r.Scan(&to.commitment, &to.id)
			})
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
