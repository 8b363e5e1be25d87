package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"
	f_log "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// provers are how many ask for proofs; each proves its share of all that is
// acknowledged.
const provers = 2

// proofs checks what the log serves with its public key alone.
type proofs struct {
	url  string
	key  note.Verifier
	held counter

	mu   sync.Mutex
	size uint64 // of the newest head that was checked
	root []byte
}

func newProofs(h *hub) (*proofs, error) {
	text, err := os.ReadFile(h.path("hub", "keys", "log.vkey"))
	if err != nil {
		return nil, err
	}
	p := &proofs{url: h.running[governance].url + "/log/v1"}
	p.key, err = note.NewVerifier(strings.TrimSpace(string(text)))
	return p, err
}

// open reads a checkpoint that the log has signed.
func (p *proofs) open(signed []byte) (head f_log.Checkpoint, err error) {
	n, err := note.Open(signed, note.VerifierList(p.key))
	if err != nil {
		return head, err
	}
	_, err = head.Unmarshal([]byte(n.Text))
	if err == nil && head.Origin != p.key.Name() {
		err = errors.New("the checkpoint is of another log")
	}
	return head, err
}

// includes checks that a commitment is in the tree of the checkpoint that the
// log serves with the proof.
func (p *proofs) includes(commitment string, text []byte) error {
	leaf, err := hex.DecodeString(commitment)
	if err != nil {
		return err
	}
	var t proof.TLogProof
	if err := t.Unmarshal(text); err != nil {
		return err
	}
	head, err := p.open(t.Checkpoint)
	if err != nil {
		return err
	}
	path := make([][]byte, len(t.Hashes))
	for i := range t.Hashes {
		path[i] = t.Hashes[i][:]
	}
	return merkle.VerifyInclusion(rfc6962.DefaultHasher, t.Index, head.Size, rfc6962.DefaultHasher.HashLeaf(leaf), path, head.Hash)
}

// grew checks that the served tree grew out of the one it was asked for last.
func (p *proofs) grew(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	status, text, err := send(ctx, http.MethodGet, fmt.Sprintf("%s/proofs/consistency?from=%d", p.url, p.size), "", "", nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the log proves no consistency: %d %s (%w)", status, text, err)
	}
	old, signed, _ := bytes.Cut(text, []byte("\n\n"))
	head, err := p.open(signed)
	if err != nil {
		return err
	}
	var path [][]byte
	for _, line := range strings.Split(string(old), "\n")[1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return err
		}
		path = append(path, hash)
	}
	if p.size > 0 {
		if err := merkle.VerifyConsistency(rfc6962.DefaultHasher, p.size, head.Size, path, p.root, head.Hash); err != nil {
			return fmt.Errorf("the log did not grow out of what it was: %w", err)
		}
	}
	p.size, p.root = head.Size, head.Hash
	return nil
}

// prove asks for the proof of every commitment of its share, until there are no
// more and the load is off.
func (c *campaign) prove(ctx context.Context, share int) {
	for n := share; ctx.Err() == nil; {
		ended := c.ended.Load()
		r, ok := c.acknowledged.at(n)
		if !ok {
			if ended {
				return
			}
			time.Sleep(10 * time.Millisecond)
			continue
		}
		status, text, err := send(ctx, http.MethodGet, c.proofs.url+"/proofs/inclusion?commitment="+r.commitment, "", "", nil)
		if err != nil || status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
			time.Sleep(10 * time.Millisecond) // it waits for its position, governance is away, or we ask too much
			continue
		}
		if status == http.StatusOK {
			err = c.proofs.includes(r.commitment, text)
		} else {
			err = fmt.Errorf("%d %s", status, text)
		}
		if err != nil {
			c.wrong(fmt.Errorf("the inclusion of an acknowledged %s: %w", r.kind, err))
		} else {
			c.proofs.held.Add(1)
		}
		n += provers
	}
}

// positioned waits until all that has been acknowledged by now has its position
// in the log.
func (c *campaign) positioned(ctx context.Context) error {
	var waiting [][]byte
	news := c.acknowledged.since(c.placed)
	for _, r := range news {
		b, err := hex.DecodeString(r.commitment)
		if err != nil {
			return err
		}
		waiting = append(waiting, b)
	}
	err := eventually(ctx, "what was acknowledged has its position", func() error {
		var n int
		err := c.hub.admin.QueryRowContext(ctx, `select count(distinct commitment) from ledger.leaves where commitment = any($1)`, pq.ByteaArray(waiting)).Scan(&n)
		if err == nil && n < len(waiting) {
			err = fmt.Errorf("%d of %d wait", len(waiting)-n, len(waiting))
		}
		return err
	})
	if err == nil {
		c.placed += len(news)
	}
	return err
}

// stored are the records with their commitments, each kind under the id that
// an answer gives.
const stored = `select r.reference_id::text, a.commitment from relmgr.acts a join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = a.agency_id
	union all select enquiry_id::text, commitment from relmgr.enquiries
	union all select act_id::text, commitment from consent.acts`

// count looks for each acknowledged record, once, under its id and with its
// commitment, and for its leaf, once; and for whatever was done twice of what was
// asked for once: everybody is published, correlated and withdrawn once at most.
func (c *campaign) count(ctx context.Context, r *report) error {
	records, leaves := map[string]int{}, map[string]int{}
	byCommitment := map[string]int{}
	rows, err := c.hub.admin.QueryContext(ctx, stored)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var commitment []byte
		if err := rows.Scan(&id, &commitment); err != nil {
			return err
		}
		records[id+hex.EncodeToString(commitment)]++
		byCommitment[hex.EncodeToString(commitment)]++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	leafRows, err := c.hub.admin.QueryContext(ctx, `select commitment from ledger.leaves union all select commitment from ledger.pending`)
	if err != nil {
		return err
	}
	defer leafRows.Close()
	for leafRows.Next() {
		var commitment []byte
		if err := leafRows.Scan(&commitment); err != nil {
			return err
		}
		leaves[hex.EncodeToString(commitment)]++
	}
	if err := leafRows.Err(); err != nil {
		return err
	}
	r.Of = map[string]int{}
	seen := map[string]bool{}
	for _, a := range c.acknowledged.since(0) {
		r.Acknowledged++
		r.Of[a.kind]++
		found := byCommitment[a.commitment]
		if a.id != "" {
			found = records[a.id+a.commitment]
		}
		if found == 0 || leaves[a.commitment] == 0 {
			r.Lost++
		}
		if found > 1 || leaves[a.commitment] > 1 || seen[a.commitment] {
			r.Duplicated++
		}
		seen[a.commitment] = true
	}
	var twice int
	if err := c.hub.admin.QueryRowContext(ctx, `select count(*) from (select from relmgr.acts a join relmgr.act_handles h on h.act_id = a.act_id
		where a.kind in ('publish', 'correlate', 'withdraw') group by h.handle_id, a.kind having count(distinct a.act_id) > 1) twice`).Scan(&twice); err != nil {
		return err
	}
	r.Duplicated += twice + int(c.doubled.Load())
	return nil
}
