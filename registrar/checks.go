package registrar

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

const (
	checkItem  = "check-item"
	failChecks = "fail-checks"

	// checkTimeout bounds how long a register of somebody else's is waited for.
	checkTimeout = 5 * time.Second
)

// The outcomes of a check. There is none between them: a register that fails, or says
// anything else, has confirmed nothing (REG-05).
const (
	Confirmed    = "confirmed"
	NotConfirmed = "not-confirmed"
)

// Check is one check of an item (REG-05).
type Check struct {
	ID      ident.CheckID
	Item    ident.ItemID
	Against string
	At      time.Time
	Outcome string
	Wrong   bool // it turned out to be (REG-17)
}

// Checked is the outcome of a check and its act.
type Checked struct {
	Check   ident.CheckID
	Outcome string
	Receipt
}

// checkedItem is a check, as an act commits to it.
type checkedItem struct {
	Check    ident.CheckID `json:"check"`
	Item     ident.ItemID  `json:"item"`
	Against  string        `json:"against"`
	Outcome  string        `json:"outcome"`
	RestedOn string        `json:"rested_on,omitempty"` // in hexadecimal
}

// asked is what is sent to a register of births: the date, and one of the names that
// the person has.
type births struct {
	Given  string `json:"given,omitempty"`
	Family string `json:"family,omitempty"`
	Date   string `json:"date"`
	Place  string `json:"place,omitempty"`
}

// CheckItem has a second-level register confirm a date of birth, with the names that
// the entry has, and records what it said. It is asked before the transaction begins;
// one that cannot be reached has confirmed nothing. Errors: Forbidden, NotKnown,
// Invalid.
func (s *Service) CheckItem(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, item ident.ItemID, against, reason string) (made Checked, err error) {
	defer fault.Wrap(&err, "registrar.CheckItem")
	at := s.now()
	role, err := s.mayKeep(caller)
	if err != nil {
		return Checked{}, err
	}
	url := s.secondLevel[against]
	var c checks
	c.that(decide.Has(caller.Terms.Codes.Reasons, reason), "name one of the partnership's reasons", "/reason")
	c.that(url != "", "name a register that the registrar's configuration lists under second_level", "/against")
	if err := c.fault(); err != nil {
		return Checked{}, err
	}
	if _, err := s.served(ctx, s.db, caller, id); err != nil {
		return Checked{}, err
	}
	found, err := s.find(ctx, s.db, caller, id, entry)
	if err != nil {
		return Checked{}, err
	}
	all, err := s.members(ctx, s.db, found.SubjectID, false)
	if err != nil {
		return Checked{}, err
	}
	known, err := s.known(ctx, s.db, all)
	if err != nil {
		return Checked{}, err
	}
	n := slices.IndexFunc(known, func(k Kept) bool { return k.ID == item && k.Birth != nil })
	if n < 0 {
		return Checked{}, fault.At("/item", "name a date of birth that the entry has now")
	}
	reference := s.confirmed(ctx, url, known, known[n].Birth)
	done := checkedItem{Check: ident.NewCheck(), Item: item, Against: against, Outcome: NotConfirmed}
	var restedOn []byte
	if reference != "" {
		if restedOn, err = s.restedOn(ctx, found.SubjectID, against, reference); err != nil {
			return Checked{}, err
		}
		done.Outcome, done.RestedOn = Confirmed, hex.EncodeToString(restedOn)
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(checkItem, caller, role, at)
		a.Deed = deed{ItemChecks: []checkedItem{done}, Reason: reason}
		receipt, err := s.Append(ctx, tx, &a)
		if err != nil {
			return err
		}
		made = Checked{done.Check, done.Outcome, receipt}
		return s.queries.InsertCheck(ctx, tx, registrardb.InsertCheckParams{
			CheckID: done.Check, ActID: a.ID, ItemID: item, Against: against, Outcome: done.Outcome, RestedOn: restedOn,
		})
	})
	return made, err
}

// restedOn is the token by which all checks that rested on one entry of a register of
// somebody else's are found together. It would join somebody with who they were, so
// of one who is kept apart from another that it finds it is their own.
func (s *Service) restedOn(ctx context.Context, subject ident.Subject, against, reference string) ([]byte, error) {
	text := "fame/check/1\x00" + against + "\x00" + reference
	stands := func(mac []byte) (bool, error) {
		return s.queries.HasRested(ctx, s.db, registrardb.HasRestedParams{Against: against, RestedOn: mac})
	}
	mac, err := s.lasting(ctx, text, stands)
	if err != nil {
		return nil, err
	}
	others, err := s.queries.RestingOn(ctx, s.db, registrardb.RestingOnParams{Against: against, RestedOn: mac, SubjectID: subject})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, other := range others {
		is, err := s.areApart(ctx, s.db, subject, other)
		if err != nil {
			return nil, err
		}
		if is {
			return s.lasting(ctx, text+"\x00"+subject.String(), stands)
		}
	}
	return mac, nil
}

// confirmed is the reference of the entry by which a register of births confirms one
// of the names with the date, "" where it does not, for whatever reason.
func (s *Service) confirmed(ctx context.Context, url string, known []Kept, birth *Birth) string {
	for _, k := range known {
		if k.Name == nil {
			continue
		}
		reference, err := s.askBirths(ctx, url, births{Given: k.Name.Given + k.Name.Whole, Family: k.Name.Family, Date: birth.Date, Place: birth.Place})
		if err == nil && reference != "" {
			return reference
		}
	}
	return ""
}

func (s *Service) askBirths(ctx context.Context, url string, b births) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	body, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(url, "/")+"/v1/births/check", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", errors.New("it did not answer")
	}
	var said struct {
		Confirmed bool   `json:"confirmed"`
		Reference string `json:"reference"`
	}
	if err := json.Unmarshal(text, &said); err != nil || !said.Confirmed || len(said.Reference) > 200 {
		return "", err
	}
	return said.Reference, nil
}

// Failed are the entries whose confirmation rested on what was wrong.
type Failed struct {
	Entries []Entry
	Receipt
}

// FailCheck records that a check was wrong, because the entry of the register it was
// checked against is, and with it all checks that rested on the same entry: what they
// confirmed counts as unconfirmed from now on, and their entries are listed (REG-17).
// Errors: Forbidden, NotKnown, Invalid, Conflict where all of that is known.
func (s *Service) FailCheck(ctx context.Context, caller decide.Caller, id ident.Register, check ident.CheckID, reason string) (made Failed, err error) {
	defer fault.Wrap(&err, "registrar.FailCheck")
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason)
	if err != nil {
		return Failed{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		rows, err := s.queries.ListSameChecks(ctx, tx, registrardb.ListSameChecksParams{CheckID: check, RegisterID: id})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return notThere("check")
		}
		made = Failed{}
		a := s.Begin(failChecks, caller, role, at)
		d := deed{Reason: reason}
		for _, r := range rows {
			n, err := s.queries.FailCheck(ctx, tx, registrardb.FailCheckParams{CheckID: r.CheckID, ActID: a.ID})
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			d.Failed = append(d.Failed, r.CheckID)
			entry, err := s.entry(ctx, r.SubjectID, caller.Agency)
			if err != nil {
				return err
			}
			drawn, err := s.name(ctx, tx, a.ID, r.SubjectID, caller.Agency, entry)
			if err != nil {
				return err
			}
			d.Named = append(d.Named, drawn...)
			if !slices.Contains(made.Entries, entry) {
				made.Entries = append(made.Entries, entry)
			}
		}
		if len(d.Failed) == 0 {
			return fault.New(fault.Conflict, "it is recorded already that this check was wrong")
		}
		a.Deed = d
		made.Receipt, err = s.Append(ctx, tx, &a)
		return err
	})
	return made, err
}

// checksOf are the checks of what an entry has.
func (s *Service) checksOf(ctx context.Context, db registrardb.DBTX, entries []member) ([]Check, error) {
	subjects := make([]ident.UntypedID, len(entries))
	for n, m := range entries {
		subjects[n] = ident.UntypedID(m.subject)
	}
	rows, err := s.queries.ListChecks(ctx, db, subjects)
	if err != nil {
		return nil, fmt.Errorf("list checks: %w", pg.Fault(err))
	}
	all := make([]Check, len(rows))
	for n, r := range rows {
		all[n] = Check{ID: r.CheckID, Item: r.ItemID, Against: r.Against, At: r.At.UTC(), Outcome: r.Outcome, Wrong: r.Wrong}
	}
	return all, nil
}
