package governance

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"

	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/internal/ident"
)

// The hub itself, where it acts: as a witness it is nobody's agency, and no
// person signs in as it.
const (
	theHub     = "the-hub"
	theWitness = "witness"
)

// splitContent is what the act of a split view keeps: which log, of what size,
// and the hashes of both notes, which stand whole in ledger.split_views.
type splitContent struct {
	Log   string `json:"log"`
	Size  int64  `json:"size"`
	Root  string `json:"root"`
	Unfit string `json:"unfit"`
	Held  string `json:"held"`
}

// SplitSeen records that a peer's log was seen to tell two stories, in tx. It is
// the one act that no person makes: it changes nothing, and says what was seen.
func (s *Service) SplitSeen(ctx context.Context, tx *sql.Tx, v ledger.SplitView) (ident.ActID, error) {
	terms, err := s.termsIn(ctx, tx)
	if err != nil {
		return ident.ActID{}, err
	}
	act, err := s.append(ctx, tx, Act{
		ID: ident.NewAct(), Kind: kindSplitView, At: s.now(), Practitioner: theHub, Agency: theHub, Role: theWitness, Version: terms.Version,
	}, splitContent{Log: v.Origin, Size: v.Size, Root: hex.EncodeToString(v.Root[:]), Unfit: sumOf(v.Note), Held: sumOf(v.Held)})
	return act.ID, err
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
