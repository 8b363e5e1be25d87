package registrar

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// erasePerson takes what a register holds of a person (SUB-06, LEG-29): the key of their
// items and with it all of them, what finds them, what proves who they are, and the
// contents of the recognitions that named them or came close. Acts, references and
// recognitions stay as ids, codes and times, each with its leaf.
const erasePerson = "erase-person"

// Obligations are those that keep what is to be erased (UK GDPR, Article 17(3)).
var Obligations = []string{"legal-obligation", "legal-claims", "public-health"}

// Erased certifies what was erased, and when. It names nobody.
type Erased struct {
	Receipt
	Register    ident.Register
	At          time.Time
	Records     int       // recognitions that lost their contents
	Obligation  string    // that keeps everything; empty: nothing is kept
	CompleteAt  time.Time // when no backup holds it any more
	Certificate string    // the same as a compact JWS of attest.TypErasure
}

// eraseDeed is what an act of erasure did.
type eraseDeed struct {
	Erased []erasedPerson `json:"erased,omitempty"`
	Erases *leaf.Erased   `json:"erases,omitempty"`
	// KeptDays is the rule of retention by which it was done.
	KeptDays int `json:"kept_days,omitempty"`
}

// erasedPerson is one entry of whom was erased, or is kept.
type erasedPerson struct {
	Subject    ident.Subject `json:"subject"`
	Obligation string        `json:"obligation,omitempty"`
	CompleteAt time.Time     `json:"complete_at"`
}

// Erase erases the person whose entry the caller's agency calls so, with every entry
// that is theirs, for good; or, where a law obliges to keep what is there, records that
// it does not. It is one transaction. Whoever changes the entry at the same time comes
// before it or finds no entry; from then on an entry that was erased is one that was never
// there. Errors: Forbidden for all who do not keep the register; NotKnown; Invalid;
// Conflict while something of the entry waits for a person to look at it.
func (s *Service) Erase(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, obligation, reason string) (out Erased, err error) {
	defer fault.Wrap(&err, "registrar.Erase")
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason, func(c *checks) {
		c.that(obligation == "" || slices.Contains(Obligations, obligation), "name an obligation that keeps what is to be erased, or none", "/obligation")
	})
	if err != nil {
		return Erased{}, err
	}
	days, err := s.queries.FindBackupDays(ctx, s.db)
	if err != nil {
		return Erased{}, pg.Fault(err)
	}
	out = Erased{Register: id, At: at, Obligation: obligation, CompleteAt: at.AddDate(0, 0, int(days))}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := s.queries.LockEntry(ctx, tx, registrardb.LockEntryParams{Entry: string(entry), AgencyID: caller.Agency, RegisterID: id})
		if errors.Is(err, sql.ErrNoRows) {
			err = notThere("entry")
		}
		if err != nil {
			return err
		}
		members, err := s.queries.LockMembers(ctx, tx, ident.UntypedID(found.SubjectID))
		if err != nil {
			return err
		}
		a, d := s.Begin(erasePerson, caller, role, at), deed{Reason: reason}
		subjects := make([]ident.UntypedID, len(members))
		for n, m := range members {
			subjects[n] = ident.UntypedID(m.SubjectID)
			d.Erased = append(d.Erased, erasedPerson{ident.Subject(m.SubjectID), obligation, out.CompleteAt})
		}
		gone := registrardb.EraseContentsParams{ActID: ident.UntypedID(a.ID)}
		if obligation == "" {
			if err := s.toErase(ctx, tx, subjects, &gone); err != nil {
				return err
			}
		}
		d.Erases, out.Records = leaf.ErasedOf(gone.Commitments, gone.Rests), len(gone.RecordIds)
		a.Deed = d
		if out.Receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if err := s.queries.RecordErasure(ctx, tx, registrardb.RecordErasureParams{
			ActID: ident.UntypedID(a.ID), Subjects: subjects, Obligation: obligation, CompleteAt: out.CompleteAt,
		}); err != nil || obligation != "" {
			return err
		}
		if err := s.queries.EraseContents(ctx, tx, gone); err != nil {
			return err
		}
		return s.queries.ErasePeople(ctx, tx, subjects)
	})
	if err != nil {
		return Erased{}, err
	}
	out.Certificate, err = s.signer.SignErasure(ctx, attest.ErasureCertificate{
		Issuer: string(s.registrar), IssuedAt: at.Unix(), Act: out.Act.String(), Commitment: hex.EncodeToString(out.Commitment), Register: id,
		ErasedAt: at, Records: out.Records, Obligation: obligation, CompleteAt: out.CompleteAt,
	})
	return out, err
}

// expire is the act by which a rule of retention erases; no person makes it.
const (
	expire    = "expire"
	theHub    = "the-hub"
	retention = "retention"
)

// mostExpired is how many leaves one act names.
const mostExpired = 256

// Retain erases the contents of what was asked of this registrar's registers, and of who
// looked at whom, once they have been kept as long as the terms say of enquiries; for good
// where they do not say (LEG-29). What waits on the worklist is kept for whoever looks at
// it. Each step is a transaction with its act: two who run at once take different
// records, and whoever is killed is carried on by the next. With an error, n is what was
// erased until then.
func (s *Service) Retain(ctx context.Context, terms *decide.Terms) (n int, err error) {
	defer fault.Wrap(&err, "registrar.Retain")
	days := terms.Settings.KeepEnquiriesDays
	if days == 0 {
		return 0, nil
	}
	at := s.now()
	page := registrardb.TakeExpiredParams{Registrar: s.registrar, Before: at.AddDate(0, 0, -days), Most: mostExpired}
	for found := mostExpired; found == mostExpired; n += found {
		err := pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
			rows, err := s.queries.TakeExpired(ctx, tx, page)
			if found = len(rows); err != nil || found == 0 {
				return err
			}
			a := Act{
				ID: ident.NewAct(), Kind: expire, At: at, Registrar: s.registrar,
				Practitioner: theHub, Agency: theHub, Role: retention, TermsVersion: terms.Version,
			}
			gone := registrardb.EraseContentsParams{ActID: ident.UntypedID(a.ID)}
			for _, r := range rows {
				gone.RecordIds, gone.Commitments, gone.Rests = append(gone.RecordIds, ident.UntypedID(r.ActID)), append(gone.Commitments, r.Commitment), append(gone.Rests, r.Rest)
			}
			a.Deed = deed{eraseDeed: eraseDeed{Erases: leaf.ErasedOf(gone.Commitments, gone.Rests), KeptDays: days}}
			if _, err := s.Append(ctx, tx, &a); err != nil {
				return err
			}
			return s.queries.EraseContents(ctx, tx, gone)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// toErase lists the recognitions that lose their contents. While somebody has to look at
// something of these entries nothing is erased: it is what they are to look at.
func (s *Service) toErase(ctx context.Context, tx *sql.Tx, subjects []ident.UntypedID, to *registrardb.EraseContentsParams) error {
	open, err := s.queries.CountOpenTasks(ctx, tx, subjects)
	if err != nil {
		return err
	}
	if open > 0 {
		return fault.New(fault.Conflict, "something of this entry waits on the worklist: resolve it first")
	}
	rows, err := s.queries.ListToErase(ctx, tx, subjects)
	for _, r := range rows {
		to.RecordIds, to.Commitments, to.Rests = append(to.RecordIds, ident.UntypedID(r.ActID)), append(to.Commitments, r.Commitment), append(to.Rests, r.Rest)
	}
	return err
}
