package registrar

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

// The kinds of act of this package, as the table registrar.act_kinds lists them.
const (
	createRegister = "create-register"
	register       = "register"
	look           = "look"
	recognise      = "recognise"
	checkRecord    = "check-record"
	explain        = "explain"
)

// deed is what an act of this package did. What stands in clear of it, fame verify
// compares with it, and so with the commitment: each member before Looked is rows
// of one table.
type deed struct {
	commonDeed
	representDeed
	eraseDeed
	Register   *Register       `json:"register,omitempty"`
	Entered    []entered       `json:"entered,omitempty"`
	Named      []named         `json:"named,omitempty"`
	Items      []sealedItem    `json:"items,omitempty"`
	Supersedes []ident.ItemID  `json:"supersedes,omitempty"`
	Recognised []recognised    `json:"recognised,omitempty"`
	ItemChecks []checkedItem   `json:"item_checks,omitempty"`
	Failed     []ident.CheckID `json:"failed,omitempty"`
	Reported   *putTask        `json:"reported,omitempty"`
	Resolved   *resolved       `json:"resolved,omitempty"`
	Reopens    []ident.ActID   `json:"reopens,omitempty"`
	Shields    []ident.Subject `json:"shields,omitempty"`
	Unshields  []ident.ActID   `json:"unshields,omitempty"`
	Took       ident.TaskID    `json:"took,omitzero"`
	Approved   *approvedImport `json:"approved_import,omitempty"`
	Imported   *importedLine   `json:"imported,omitempty"`
	SetApart   *sealedPair     `json:"set_apart,omitempty"`
	Confirmed  *confirmedPair  `json:"confirmed,omitempty"`
	Opens      ident.ActID     `json:"opens,omitzero"`
	Covers     *covered        `json:"covers,omitempty"`
	Looked     *looked         `json:"looked,omitempty"`
	Checked    *checked        `json:"checked,omitempty"`
	Asked      *Asking         `json:"asked,omitempty"`
	Reason     string          `json:"reason,omitempty"` // of a change
	// Evidence is kept of a recognition that a person is to look at, and of no other.
	Evidence []Item `json:"evidence,omitempty"`
	// Compared says how the best candidates did, best first, and names none.
	Compared []Compared `json:"compared,omitempty"`
}

// entered is a person who was entered.
type entered struct {
	Register ident.Register `json:"register"`
	Subject  ident.Subject  `json:"subject"`
}

// named is a reference that was drawn for an agency.
type named struct {
	Subject ident.Subject `json:"subject"`
	Agency  ident.Agency  `json:"agency"`
	Entry   Entry         `json:"entry"`
}

// looked is at whom somebody looked, and why.
type looked struct {
	Register ident.Register `json:"register"`
	Subject  ident.Subject  `json:"subject,omitzero"` // none: at the worklist
	Reason   string         `json:"reason"`
}

// recognised is how a recognition came out.
type recognised struct {
	Recognition ident.RecognitionID `json:"recognition"`
	Register    ident.Register      `json:"register"`
	Subject     ident.Subject       `json:"subject,omitzero"`
	Outcome     match.Kind          `json:"outcome"`
	Confidence  match.Confidence    `json:"confidence"`
	Model       string              `json:"model"`
}

// checked is what somebody was told of one entry.
type checked struct {
	Register    ident.Register      `json:"register"`
	Subject     ident.Subject       `json:"subject,omitzero"`
	Recognition ident.RecognitionID `json:"recognition,omitzero"` // that was explained
	Answer      string              `json:"answer,omitempty"`
}

// Act is one act, about to be recorded. Its JSON is what the ledger commits to and
// what is sealed: it repeats what stands in clear of the act and, in Deed, of what it
// made, so that no column of either can be changed unseen. Deed is this package's
// deed, or another's own.
type Act struct {
	ID           ident.ActID        `json:"act"`
	Kind         string             `json:"kind"`
	At           time.Time          `json:"at"`
	Registrar    ident.Registrar    `json:"registrar"`
	Practitioner ident.Practitioner `json:"practitioner,omitempty"` // none of a subject's own act
	Agency       ident.Agency       `json:"agency,omitempty"`
	Role         string             `json:"role,omitempty"`
	BySubject    bool               `json:"by_subject,omitempty"`
	TermsVersion int64              `json:"terms_version"`
	Subject      ident.Subject      `json:"subject,omitzero"`   // who made it, where no practitioner did
	StandIn      ident.Registrar    `json:"stand_in,omitempty"` // that answered in the registrar's place
	Deed         any                `json:"deed,omitempty"`
}

// Begin starts the act of what a practitioner does now, in the role that lets them.
func (s *Service) Begin(kind string, caller decide.Caller, role string, at time.Time) Act {
	return Act{
		ID: ident.NewAct(), Kind: kind, At: at, Registrar: s.registrar,
		Practitioner: caller.Practitioner, Agency: caller.Agency, Role: role, TermsVersion: caller.Terms.Version, StandIn: s.standIn,
	}
}

// BeginOwn starts the act of what a subject does now.
func (s *Service) BeginOwn(kind string, subject ident.Subject, terms int64, at time.Time) Act {
	return Act{ID: ident.NewAct(), Kind: kind, At: at, Registrar: s.registrar, BySubject: true, TermsVersion: terms, Subject: subject}
}

// Receipt names an act and the commitment under which the ledger keeps it.
type Receipt struct {
	Act        ident.ActID
	Commitment []byte // 32 bytes
}

// Append puts the act into tx: the act, the key of its content and its commitment
// for the ledger. Nothing of it stays when tx does not commit.
func (s *Service) Append(ctx context.Context, tx *sql.Tx, a *Act) (Receipt, error) {
	l, err := leaf.Of(ctx, s.keys, RecordsKey, a.ID, a)
	if err != nil {
		return Receipt{}, err
	}
	err = s.queries.AppendAct(ctx, tx, registrardb.AppendActParams{
		ActID: a.ID, Kind: a.Kind, At: a.At, Registrar: a.Registrar,
		Practitioner: string(a.Practitioner), Agency: string(a.Agency), Role: a.Role, TermsVersion: a.TermsVersion,
		Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
	})
	return Receipt{Act: a.ID, Commitment: l.Commitment}, err
}
