package consent

import (
	"context"
	"database/sql"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Reach says how far a block hides a relationship.
type Reach string

// The reaches.
const (
	// Blocked hides it from everybody but in a recorded emergency (PUB-08).
	Blocked Reach = "block"
	// CreatorOnly hides it from everybody outside the agency that made it, in
	// an emergency too (PUB-09).
	CreatorOnly Reach = "creator-only"
)

// BlockRequest is a relationship that a person hides.
type BlockRequest struct {
	Proof    string // relmgr's, that the caller brings this handle
	Reach    Reach
	Warning  string // the words of the likely effect on care that the person was shown (PUB-09)
	Evidence Evidence
}

// BlockReceipt names a new block and the act that recorded it.
type BlockReceipt struct {
	Block ident.BlockID
	Receipt
}

// Block records that the person whom the proof's handle stands for hides that
// relationship, from now on, after being told the likely effect. It answers as
// Capture does; each block ends by itself.
func (s *Service) Block(ctx context.Context, caller decide.Caller, req BlockRequest) (made BlockReceipt, err error) {
	defer fault.Wrap(&err, "consent.Block")
	at := s.now()
	role, err := mayPublish(caller, at)
	if err != nil {
		return BlockReceipt{}, err
	}
	handle, column, err := s.proved(ctx, caller, req.Proof, at)
	if err != nil {
		return BlockReceipt{}, err
	}
	var c checks
	c.that(req.Reach == Blocked || req.Reach == CreatorOnly, "/reach", "write block or creator-only")
	c.that(isCode(req.Warning), "/warning", "name the words that the person was shown, as a code")
	c.evidence(req.Evidence)
	if err := c.fault(); err != nil {
		return BlockReceipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r := begin(block, caller, role, at)
		r.Handle, r.Held, r.Evidence = handle, column.Agency, req.Evidence
		r.Block, r.Reach, r.Warning = ident.NewBlock(), req.Reach, req.Warning
		made, err = s.block(ctx, tx, &r)
		return err
	})
	return made, err
}

// block puts a block and its act into tx. r has who, when, what and for which handle.
func (s *Service) block(ctx context.Context, tx *sql.Tx, r *record) (BlockReceipt, error) {
	receipt, err := s.append(ctx, tx, r)
	if err != nil {
		return BlockReceipt{}, err
	}
	return BlockReceipt{Block: r.Block, Receipt: receipt}, s.queries.InsertBlock(ctx, tx, consentdb.InsertBlockParams{
		BlockID: r.Block, ActID: r.Act, HandleID: r.Handle, AgencyID: r.Held, Reach: string(r.Reach),
		Warning: r.Warning, StartsAt: r.At, Evidence: string(r.Evidence),
	})
}

// Unblock ends a block at once, under Withdraw's rules.
func (s *Service) Unblock(ctx context.Context, caller decide.Caller, id ident.BlockID, evidence Evidence) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "consent.Unblock")
	return s.end(ctx, caller, evidence, s.unblocking(id, unknown("block"), func(tx *sql.Tx, r *record) error {
		row, err := s.queries.FindBlock(ctx, tx, consentdb.FindBlockParams{
			BlockID: id, CallerAgency: caller.Agency, Caller: caller.Practitioner,
		})
		r.Handle, r.Held, r.Block, r.Reach, r.Warning = row.HandleID, row.AgencyID, id, Reach(row.Reach), row.Warning
		return err
	}))
}

// unblocking ends one block, which find finds.
func (s *Service) unblocking(id ident.BlockID, unknown error, find func(*sql.Tx, *record) error) ending {
	return ending{
		kind: unblock, unknown: unknown, find: find,
		first: func(ctx context.Context, tx *sql.Tx) (Receipt, error) {
			first, err := s.queries.FindUnblock(ctx, tx, id)
			return Receipt{Act: first.ActID, Commitment: first.Commitment}, err
		},
		insert: func(ctx context.Context, tx *sql.Tx, r *record) (int64, error) {
			return s.queries.InsertUnblock(ctx, tx, consentdb.InsertUnblockParams{
				BlockID: id, ActID: r.Act, At: r.At, Evidence: string(r.Evidence),
			})
		},
	}
}
