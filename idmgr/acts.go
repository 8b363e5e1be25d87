package idmgr

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// The kinds of act. What a manager publishes, and what becomes of a case, stands in
// clear beside its act; a private link stands in the journal alone.
const (
	drafted   = "draft"
	activated = "activate"
	granted   = "grant"
	withheld  = "withhold"
	withdrawn = "withdraw"
	stopped   = "refuse"
	opens     = "open"
	movesUp   = "move-up"
	ruled     = "rule"
	appealed  = "appeal"
	settled   = "settle"
)

// act is all that somebody did: what the ledger commits to and what is sealed. It
// repeats what stands in clear.
type act struct {
	Act          ident.ActID        `json:"act"`
	Kind         string             `json:"kind"`
	At           time.Time          `json:"at"`
	Manager      ident.Idmgr        `json:"manager"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	TermsVersion int64              `json:"terms_version"`

	Version  int32            `json:"version,omitempty"` // draft, activate; grant, withhold: of the rules
	Rules    []decide.Rule    `json:"rules,omitempty"`   // draft
	Effect   *published       `json:"effect,omitempty"`  // grant, withhold, withdraw
	Decision *decide.Decision `json:"decision,omitempty"`
	Agreed   *Agreed          `json:"agreed,omitempty"`
	Order    string           `json:"order,omitempty"`
	Case     *step            `json:"case,omitempty"` // open, move-up, rule, appeal, settle
	Reason   string           `json:"reason,omitempty"`
	KeptDays int              `json:"kept_days,omitempty"` // expire: the rule
	Erases   *leaf.Erased     `json:"erases,omitempty"`    // expire: the leaves whose contents went
}

// published is an effect as it was made.
type published struct {
	Effect   ident.EffectID `json:"effect"`
	Handle   ident.HandleID `json:"handle,omitzero"`
	Column   ident.Column   `json:"column,omitempty"`
	Rule     string         `json:"rule,omitempty"`
	Starts   time.Time      `json:"starts,omitzero"`
	Ends     time.Time      `json:"ends,omitzero"`
	Evidence string         `json:"evidence,omitempty"`
	Token    []byte         `json:"token,omitempty"` // its hash
}

// step is one step of a case.
type step struct {
	Case     ident.CaseID    `json:"case"`
	Ordinal  int32           `json:"ordinal"`
	Level    int32           `json:"level"`
	Due      time.Time       `json:"due"`
	Outcome  string          `json:"outcome,omitempty"`
	Source   string          `json:"source,omitempty"` // open
	SourceID ident.UntypedID `json:"source_id,omitzero"`
	Against  ident.UntypedID `json:"against,omitzero"`
	Agencies []string        `json:"agencies,omitempty"`
	Reason   string          `json:"reason,omitempty"` // rule, appeal
}

// beginAct starts an act of the caller's.
func (s *Service) beginAct(kind string, who decide.Caller, role string, at time.Time) *act {
	if role == "" {
		role = who.AnyRole()
	}
	return &act{
		Act: ident.NewAct(), Kind: kind, At: at, Manager: s.manager,
		Practitioner: who.Practitioner, Agency: who.Agency, Role: role, TermsVersion: who.Terms.Version,
	}
}

// record puts the act into tx, with the key of its content and its commitment.
func (s *Service) record(ctx context.Context, tx *sql.Tx, a *act) (Receipt, error) {
	l, err := leaf.Of(ctx, s.journal.keys, s.journal.key, a.Act, a)
	if err != nil {
		return Receipt{}, err
	}
	err = s.q.AppendAct(ctx, tx, idmgrdb.AppendActParams{
		ActID: a.Act, Kind: a.Kind, At: a.At, Manager: a.Manager, PractitionerID: a.Practitioner, AgencyID: a.Agency, Role: a.Role,
		TermsVersion: a.TermsVersion, Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
	})
	if err != nil {
		return Receipt{}, pg.Fault(err)
	}
	return Receipt{a.Act, l.Commitment}, nil
}
