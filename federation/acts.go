package federation

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// officer is who decides on peers.
const officer = "governance-officer"

// needOfficer refuses whoever is no governance officer.
func needOfficer(c decide.Caller) error {
	if slices.Contains(c.Roles, officer) {
		return nil
	}
	return fault.New(fault.Forbidden, "this needs the role %s: ask a governance officer of the partnership", officer)
}

// needReason refuses a reason that the partnership does not list.
func needReason(c decide.Caller, reason string) error {
	if decide.Has(c.Terms.Codes.Reasons, reason) {
		return nil
	}
	return fault.At("/reason", "name a reason of the partnership's list")
}

// act is all that somebody did: what the ledger commits to and what is sealed.
type act struct {
	Act          ident.ActID        `json:"act"`
	Kind         string             `json:"kind"`
	At           time.Time          `json:"at"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	TermsVersion int64              `json:"terms_version"`

	Peer      *peerStep      `json:"peer,omitempty"`
	Registrar *registrarStep `json:"registrar,omitempty"`
	Reason    string         `json:"reason,omitempty"`

	Mark       *markStep    `json:"mark,omitempty"`
	Dispute    *disputeStep `json:"dispute,omitempty"`
	DisputeEnd *disputeEnd  `json:"dispute_end,omitempty"`
}

// peerStep is what an act is about a peer.
type peerStep struct {
	Peer      ident.PeerID `json:"peer"`
	Entity    string       `json:"entity"`
	Ordinal   int32        `json:"ordinal"`
	Step      string       `json:"step"`
	Agreement string       `json:"agreement,omitempty"` // its digest
	Document  string       `json:"document,omitempty"`  // invite: the agreement
	Keys      string       `json:"keys,omitempty"`      // invite, renew-keys: the key set
}

// registrarStep is what an act is about an entry of the register of registrars.
type registrarStep struct {
	Registrar ident.Registrar `json:"registrar"`
	Ordinal   int32           `json:"ordinal"`
	Step      string          `json:"step"`
	Terms     string          `json:"terms,omitempty"`   // admit-registrar
	Quality   string          `json:"quality,omitempty"` // publish-quality
}

// by is an act of the caller in one of their roles.
func (s *Service) by(c decide.Caller, kind, role string) *act {
	return &act{
		Act: ident.NewAct(), Kind: kind, At: s.now(), Practitioner: c.Practitioner, Agency: c.Agency, Role: role, TermsVersion: c.Terms.Version,
	}
}

// record puts the act into tx, with the key of its content and its commitment.
func (s *Service) record(ctx context.Context, tx *sql.Tx, a *act) (Receipt, error) {
	l, err := leaf.Of(ctx, s.keys, RecordsKey, a.Act, a)
	if err != nil {
		return Receipt{}, err
	}
	err = s.q.AppendAct(ctx, tx, federationdb.AppendActParams{
		ActID: a.Act, Kind: a.Kind, At: a.At, PractitionerID: a.Practitioner, AgencyID: a.Agency, Role: a.Role, TermsVersion: a.TermsVersion,
		Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
	})
	if err != nil {
		return Receipt{}, pg.Fault(err)
	}
	return Receipt{a.Act, l.Commitment}, nil
}
