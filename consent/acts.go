package consent

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/ident"
)

// The kinds of act, as the database's constraint lists them.
const (
	capture  = "capture"
	withdraw = "withdraw"
	exclude  = "exclude"
	include  = "include"
	block    = "block"
	unblock  = "unblock"
	ask      = "ask"
	refuse   = "refuse"
	notAsked = "not-asked"
	review   = "review"
	erase    = "erase"
	expire   = "expire" // by a rule of retention; no person makes it
)

// record is all that an act is: what the ledger commits to and what is sealed.
// It repeats what stands in clear beside it, so that no column of the act or
// of what it made can be changed unseen. It has no place for anything else.
type record struct {
	Act          ident.ActID        `json:"act"`
	Kind         string             `json:"kind"`
	At           time.Time          `json:"at"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	TermsVersion int64              `json:"terms_version"`

	Handle    ident.HandleID    `json:"handle"`
	Held      ident.Agency      `json:"held"`                // the agency that controls the handle's column
	Evidence  Evidence          `json:"evidence"`            // none of a review; of an erasure where the person asked for it
	Consent   ident.ConsentID   `json:"consent,omitzero"`    // capture, withdraw, review
	Agreed    *agreed           `json:"agreed,omitempty"`    // capture; ask: what is to be agreed to
	Request   ident.RequestID   `json:"request,omitzero"`    // ask, refuse, not-asked, and the capture of what was asked for
	Reason    string            `json:"reason,omitempty"`    // refuse, not-asked, review, erase
	Outcome   string            `json:"outcome,omitempty"`   // review
	Exclusion ident.ExclusionID `json:"exclusion,omitzero"`  // exclude, include
	Excluded  ident.Agency      `json:"excluded,omitempty"`  // exclude, include
	Block     ident.BlockID     `json:"block,omitzero"`      // block, unblock
	Reach     Reach             `json:"reach,omitempty"`     // block, unblock
	Warning   string            `json:"warning,omitempty"`   // block, unblock
	Erasure   *erasure          `json:"erasure,omitempty"`   // erase
	KeptDays  int               `json:"kept_days,omitempty"` // expire: the rule
	Erases    *leaf.Erased      `json:"erases,omitempty"`    // erase, expire: the leaves whose contents went
}

// agreed is what the person agreed to: what, how, why, with whom and until
// when, and which words they were shown (PUB-05).
type agreed struct {
	Column   ident.Column    `json:"column"`
	Explicit bool            `json:"explicit"`
	Audience decide.Audience `json:"audience"`
	Purposes []string        `json:"purposes"`
	Aspects  []string        `json:"aspects"`
	Until    time.Time       `json:"until"`
	Wording  string          `json:"wording,omitempty"` // none while it is only asked for

	Understanding Understanding `json:"understanding,omitempty"`
	Proxy         *Proxy        `json:"proxy,omitempty"`
	Competence    *Competence   `json:"competence,omitempty"`
}

// begin starts the record of what the caller does now, in the role that lets
// them.
func begin(kind string, caller decide.Caller, role string, at time.Time) record {
	return record{
		Act: ident.NewAct(), Kind: kind, At: at,
		Practitioner: caller.Practitioner, Agency: caller.Agency, Role: role, TermsVersion: caller.Terms.Version,
	}
}

// append puts the act into tx: the act, the key of its content and its
// commitment for the ledger. Nothing of it stays when tx does not commit.
func (s *Service) append(ctx context.Context, tx *sql.Tx, r *record) (Receipt, error) {
	l, err := leaf.Of(ctx, s.keys, RecordsKey, r.Act, r)
	if err != nil {
		return Receipt{}, err
	}
	err = s.queries.AppendAct(ctx, tx, consentdb.AppendActParams{
		ActID: r.Act, Kind: r.Kind, At: r.At,
		PractitionerID: r.Practitioner, AgencyID: r.Agency, Role: r.Role, TermsVersion: r.TermsVersion,
		Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
	})
	return Receipt{Act: r.Act, Commitment: l.Commitment}, err
}
