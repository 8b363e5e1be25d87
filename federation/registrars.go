package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// The steps of an entry of the register of registrars.
const (
	admitRegistrar   = "admit-registrar"
	publishQuality   = "publish-quality"
	flagRegistrar    = "flag-registrar"
	suspendRegistrar = "suspend-registrar"
	readmitRegistrar = "readmit-registrar"
	removeRegistrar  = "remove-registrar"
)

var statuses = map[string]string{
	admitRegistrar: registers.Admitted, readmitRegistrar: registers.Admitted, flagRegistrar: registers.Flagged,
	suspendRegistrar: registers.Suspended, removeRegistrar: registers.Removed,
}

// Admission is what a registrar is admitted on: without a usage feed it is not.
type Admission struct {
	Usage string          `json:"usage"`
	Floor registers.Floor `json:"floor"`
}

// EntryChange is an entry's status after a step, and the step's record.
type EntryChange struct {
	Receipt
	Registrar ident.Registrar
	Status    string
	Since     time.Time
}

// Admit enters a registrar of the partnership into the register of registrars, or enters it
// anew after it was removed.
func (s *Service) Admit(ctx context.Context, c decide.Caller, id ident.Registrar, on Admission) (_ EntryChange, err error) {
	defer fault.Wrap(&err, "federation.Admit")
	if err := needOfficer(c); err != nil {
		return EntryChange{}, err
	}
	switch {
	case c.Terms.FindRegistrar(string(id)) == nil:
		return EntryChange{}, fault.At("/registrar", "name a registrar of the partnership document")
	case entity.CheckID(on.Usage) != nil:
		return EntryChange{}, fault.At("/usage", "write the https address at which people gather who asked about them: without it no registrar is admitted")
	}
	terms, err := canonical(on)
	if err != nil {
		return EntryChange{}, err
	}
	a := s.by(c, admitRegistrar, officer)
	a.Registrar = &registrarStep{Registrar: id, Terms: terms}
	return s.enter(ctx, []*act{a}, func(was *federationdb.FederationRegistrarsInForce) error {
		if was != nil && was.State != removeRegistrar {
			return fault.New(fault.Conflict, "it is in the register already")
		}
		return nil
	})
}

// PublishQuality publishes how a registrar does, as one of its keepers reads it off its
// register. What is below the floor is flagged, and suspended where it was flagged before;
// what is at it again is readmitted. Each is an act, in the same transaction (FED-18).
func (s *Service) PublishQuality(ctx context.Context, c decide.Caller, id ident.Registrar, q registers.Quality) (_ EntryChange, err error) {
	defer fault.Wrap(&err, "federation.PublishQuality")
	r := c.Terms.FindRegistrar(string(id))
	if r == nil {
		return EntryChange{}, errNoEntry()
	}
	role, keeps := c.RoleAmong(r.Roles)
	if !keeps || c.Agency != r.Agency {
		return EntryChange{}, fault.New(fault.Forbidden, "this is for those who keep the registrar's registers: ask one of them")
	}
	hub, err := s.byHub(ctx)
	if err != nil {
		return EntryChange{}, err
	}
	q.At = s.now().Truncate(time.Second)
	text, err := canonical(q)
	if err != nil {
		return EntryChange{}, err
	}
	published, verdict := s.by(c, publishQuality, role), s.by(hub, "", theObserver)
	published.Registrar = &registrarStep{Registrar: id, Quality: text}
	verdict.Registrar = &registrarStep{Registrar: id}
	return s.enter(ctx, []*act{published, verdict}, func(was *federationdb.FederationRegistrarsInForce) error {
		if was == nil || was.State == removeRegistrar {
			return errNoEntry()
		}
		var on Admission
		if err := json.Unmarshal([]byte(was.Terms), &on); err != nil {
			return err
		}
		verdict.Kind = judged(was.State, on.Floor.Meets(q))
		return nil
	})
}

// judged is what follows from a quality: "" for nothing.
func judged(state string, meets bool) string {
	switch {
	case !meets && (state == admitRegistrar || state == readmitRegistrar):
		return flagRegistrar
	case !meets && state == flagRegistrar:
		return suspendRegistrar
	case meets && (state == flagRegistrar || state == suspendRegistrar):
		return readmitRegistrar
	}
	return ""
}

// Remove takes a registrar out of the register; that it was there stays to be seen.
func (s *Service) Remove(ctx context.Context, c decide.Caller, id ident.Registrar, reason string) (_ EntryChange, err error) {
	defer fault.Wrap(&err, "federation.Remove")
	if err := needOfficer(c); err != nil {
		return EntryChange{}, err
	}
	if err := needReason(c, reason); err != nil {
		return EntryChange{}, err
	}
	a := s.by(c, removeRegistrar, officer)
	a.Registrar, a.Reason = &registrarStep{Registrar: id}, reason
	return s.enter(ctx, []*act{a}, func(was *federationdb.FederationRegistrarsInForce) error {
		if was == nil || was.State == removeRegistrar {
			return errNoEntry()
		}
		return nil
	})
}

func errNoEntry() error {
	return fault.New(fault.NotKnown, "name a registrar that the register of registrars has: GET %s/registrars", Prefix)
}

// enter makes the next steps of an entry, after every step before them, or none of them. may
// is given the entry as it stands, nil where there is none; an act without a kind is not made.
func (s *Service) enter(ctx context.Context, acts []*act, may func(*federationdb.FederationRegistrarsInForce) error) (out EntryChange, err error) {
	id := acts[0].Registrar.Registrar
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		was, err := s.q.FindRegistrar(ctx, tx, id)
		missing := errors.Is(err, sql.ErrNoRows)
		switch {
		case missing:
			err = may(nil)
		case err == nil:
			err = may(&was)
		}
		if err != nil {
			return err
		}
		ordinal := was.Ordinal
		for i, a := range acts {
			if a.Kind == "" {
				continue
			}
			ordinal++
			made, step := *a, *a.Registrar
			step.Ordinal, step.Step = ordinal, a.Kind
			made.Registrar = &step
			receipt, err := s.record(ctx, tx, &made)
			if err != nil {
				return err
			}
			if i == 0 {
				out.Receipt = receipt
			}
			err = s.q.AppendRegistrar(ctx, tx, federationdb.AppendRegistrarParams{
				ActID: made.Act, Registrar: id, Ordinal: ordinal, Step: a.Kind,
				Terms: nullText(step.Terms), Quality: nullText(step.Quality),
			})
			if err != nil {
				return err
			}
		}
		now, err := s.q.FindRegistrar(ctx, tx, id)
		if err != nil {
			return err
		}
		out.Registrar, out.Status, out.Since = id, statuses[now.State], now.Since
		return nil
	})
	return out, err
}

func nullText(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

func canonical(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	b, err = jcs.Transform(b)
	return string(b), err
}

// registerLives is how long a page of the register may be kept.
const registerLives = time.Hour

// pageOf is how many entries a page of the register has.
const pageOf = 40

// Registrars is a page of the hub's register of registrars, signed, from the entry after the
// cursor on (FED-08); with it the addresses of what else the hub publishes (FED-19).
func (s *Service) Registrars(ctx context.Context, after string) (text string, err error) {
	defer fault.Wrap(&err, "federation.Registrars")
	terms, err := s.terms(ctx)
	if err != nil {
		return "", err
	}
	rows, err := s.q.ListRegistrars(ctx, s.db)
	if err != nil {
		return "", pg.Fault(err)
	}
	all := make([]registers.Entry, len(rows))
	for i, r := range rows {
		if all[i], err = s.entry(terms, r); err != nil {
			return "", err
		}
	}
	from := 0
	if after != "" {
		at := slices.IndexFunc(rows, func(r federationdb.FederationRegistrarsInForce) bool { return string(r.Registrar) == after })
		if at < 0 {
			return "", fault.New(fault.NotKnown, "give the next of the page before, or no cursor for the first page")
		}
		from = at + 1
	}
	to, at := min(from+pageOf, len(all)), s.now()
	page := registers.Page{
		Issuer: s.hub, Subject: s.hub, IssuedAt: at.Unix(), Expires: at.Add(registerLives).Unix(), Total: len(all), Entries: all[from:to],
		Services: []string{}, ColumnKinds: []string{}, Transactions: []string{},
	}
	if to < len(all) {
		page.Next = string(rows[to-1].Registrar)
	}
	if page.Whole, err = registers.Sum(all); err != nil {
		return "", err
	}
	for _, duty := range []string{"consent", "federation", "governance", "idmgr", "log", "registrar", "relmgr"} {
		page.Services = append(page.Services, registers.Name(s.hub, "services", duty))
	}
	page.Offers = offersOf(terms, s.hub)
	for _, o := range page.Offers {
		page.Services = append(page.Services, o.Address)
	}
	slices.Sort(page.Services)
	page.Services = slices.Compact(page.Services)
	for _, p := range terms.Providers {
		if kind := registers.Name(s.hub, "columns", string(p.Kind)); !slices.Contains(page.ColumnKinds, kind) {
			page.ColumnKinds = append(page.ColumnKinds, kind)
		}
	}
	for _, t := range terms.Codes.Transactions {
		page.Transactions = append(page.Transactions, registers.Name(s.hub, "transactions", t.Code))
	}
	slices.Sort(page.ColumnKinds)
	slices.Sort(page.Transactions)
	return s.signs(ctx, registers.Typ, page)
}

// entry is what is published of a registrar. One that the partnership document names no more is
// removed, whatever was done about it.
func (s *Service) entry(terms *decide.Terms, r federationdb.FederationRegistrarsInForce) (e registers.Entry, err error) {
	e = registers.Entry{
		Space: registers.Name(s.hub, "registrars", string(r.Registrar)), Status: statuses[r.State],
		Admitted: r.Admitted.UTC().Truncate(time.Second), Since: r.Since.UTC().Truncate(time.Second),
	}
	var on Admission
	if err := json.Unmarshal([]byte(r.Terms), &on); err != nil {
		return e, err
	}
	e.Usage, e.Floor = on.Usage, on.Floor
	if r.Quality.Valid {
		e.Quality = new(registers.Quality)
		if err := json.Unmarshal([]byte(r.Quality.String), e.Quality); err != nil {
			return e, err
		}
	}
	known := terms.FindRegistrar(string(r.Registrar))
	if known == nil {
		e.Status = registers.Removed
		return e, nil
	}
	e.Title, e.Reach, e.Areas = known.Title, string(known.Reach), known.Areas
	if e.Status == registers.Removed {
		return e, nil
	}
	set, err := json.Marshal(map[string]any{"keys": known.Keys})
	if err != nil {
		return e, err
	}
	keys, err := entity.ParseKeys(set)
	e.Keys = &keys
	return e, err
}
