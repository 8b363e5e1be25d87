package main

import (
	"context"
	"strconv"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/registraroas"
)

type registerCommand struct {
	Approve registerApproveCommand `cmd:"" help:"Approve, as one who keeps the register, that people are entered from files."`
	Import  registerImportCommand  `cmd:"" help:"Enter people from a file under somebody else's approval. Run it again to go on after an interruption."`
}

type registerApproveCommand struct {
	Register string    `arg:"" help:"The register's code."`
	People   int       `help:"How many may be entered." required:""`
	Until    time.Time `help:"When the approval ends, as 2027-03-31T00:00:00Z." required:""`
	Reason   string    `help:"Why: a code of the partnership's." required:""`
	signIn   `embed:""`
}

// Run has a keeper approve imports into a register.
func (c *registerApproveCommand) Run(ctx context.Context, all *cli, out *printer) error {
	p, err := c.person(all.Dir)
	if err != nil {
		return err
	}
	act, err := p.registrar.ApproveEntries(ctx, &registraroas.EntriesApprovalRequest{People: c.People, Until: c.Until, Reason: registraroas.Code(c.Reason)},
		registraroas.ApproveEntriesParams{Register: registraroas.Code(c.Register)})
	if err != nil {
		return bearer.Told(err)
	}
	out.say("Approved: up to %d people until %s.", c.People, c.Until.Format(time.RFC3339))
	out.say("Somebody else who keeps the register imports them: fame register import %s FILE --approval %s", c.Register, act.Act)
	return out.result(act)
}

type registerImportCommand struct {
	Register string        `arg:"" help:"The register's code."`
	File     string        `arg:"" help:"CSV with a header, or NDJSON where its name ends in .ndjson or .jsonl." type:"existingfile"`
	Approval string        `help:"The approval that fame register approve gave." required:""`
	Part     int           `help:"Lines in one request." default:"500" hidden:""`
	Patience time.Duration `help:"How long to go on asking a registrar that does not answer." default:"2m"`
	signIn   `embed:""`
}

// Run enters the people of the file. Whoever dies, this command, the registrar or its
// database, the same command goes on where it stopped.
func (c *registerImportCommand) Run(ctx context.Context, all *cli, out *printer) error {
	p, err := c.person(all.Dir)
	if err != nil {
		return err
	}
	return importFile(ctx, c.File, &registering{client: p.registrar, register: registraroas.Code(c.Register), approval: c.Approval},
		c.Part, c.Patience, all.JSON, out)
}

// registering is the registrar's end of an import.
type registering struct {
	client   *registraroas.Client
	register registraroas.Code
	approval string
	of       registraroas.ID
}

func (r *registering) start(ctx context.Context, file string) (stands, error) {
	i, err := r.client.StartEntries(ctx, &registraroas.ImportRequest{Approval: registraroas.ID(r.approval), File: file},
		registraroas.StartEntriesParams{Register: r.register})
	if err != nil {
		return stands{}, err
	}
	r.of = i.Import
	return stands{id: string(i.Import), form: registrations, next: i.Next, made: i.Entered, refused: i.Refused}, nil
}

func (r *registering) send(ctx context.Context, part *chunk) error {
	request := registraroas.EntriesPartRequest{First: part.first, Last: part.last, Entries: []registraroas.EntryLine{}}
	for _, e := range part.entries {
		request.Entries = append(request.Entries, e.person)
	}
	_, err := r.client.EnterPart(ctx, &request, registraroas.EnterPartParams{Register: r.register, Import: r.of})
	return err
}

func (r *registering) refusals(ctx context.Context, after int) (all []refusal, more bool, err error) {
	params := registraroas.ListEntryRefusalsParams{Register: r.register, Import: r.of, Limit: registraroas.NewOptInt(1000)}
	if after > 0 {
		params.After = registraroas.NewOptInt(after)
	}
	page, err := r.client.ListEntryRefusals(ctx, params)
	if err != nil {
		return nil, false, err
	}
	for _, one := range page.Refusals {
		all = append(all, refusal{one.Line, one.Pointer + ": " + one.Detail})
	}
	return all, page.Next.Set, nil
}

// itemsOf is what a line of a CSV says of a person, by the names of its columns; or
// what is wrong with it.
func itemsOf(said map[string]string) (items []registraroas.ItemRequest, wrong string) {
	source := registraroas.ItemSourceAgencyRecord
	if v := said["source"]; v != "" {
		source = registraroas.ItemSource(v)
	}
	has := func(columns ...string) bool {
		for _, c := range columns {
			if said[c] != "" {
				return true
			}
		}
		return false
	}
	add := func(i registraroas.ItemRequest) {
		i.Source = source
		items = append(items, i)
	}
	var i registraroas.ItemRequest
	if has("given", "family", "name") {
		var n registraroas.PersonName
		setTo(&n.Given, said["given"])
		setTo(&n.Family, said["family"])
		setTo(&n.Whole, said["name"])
		i.Name.SetTo(n)
		add(i)
	}
	if has("birth", "within", "birthplace") {
		i = registraroas.ItemRequest{}
		b := registraroas.Birth{Date: registraroas.PartialDate(said["birth"])}
		if v := said["within"]; v != "" {
			years, err := strconv.Atoi(v)
			if err != nil {
				return nil, "/within: write by how many years the year of birth may be wrong"
			}
			b.Within.SetTo(years)
		}
		setTo(&b.Place, said["birthplace"])
		i.Birth.SetTo(b)
		add(i)
	}
	if has("sex") {
		i = registraroas.ItemRequest{}
		i.Sex.SetTo(registraroas.Sex(said["sex"]))
		add(i)
	}
	if has("house", "street", "locality", "region", "postcode") {
		i = registraroas.ItemRequest{}
		var a registraroas.PostalAddress
		setTo(&a.House, said["house"])
		setTo(&a.Lines, said["street"])
		setTo(&a.Locality, said["locality"])
		setTo(&a.Region, said["region"])
		setTo(&a.Postcode, said["postcode"])
		i.Address.SetTo(a)
		add(i)
	}
	if has("phone") {
		i = registraroas.ItemRequest{}
		i.Phone.SetTo(registraroas.Phone(said["phone"]))
		add(i)
	}
	if has("email") {
		i = registraroas.ItemRequest{}
		i.Email.SetTo(registraroas.Email(said["email"]))
		add(i)
	}
	if has("scheme", "number") {
		i = registraroas.ItemRequest{}
		i.Identifier.SetTo(registraroas.SchemeIdentifier{Scheme: registraroas.Code(said["scheme"]), Value: said["number"]})
		add(i)
	}
	if len(items) == 0 {
		wrong = "the line holds nothing by which a person is known"
	}
	return items, wrong
}

// setTo sets what a line says, and leaves out what it does not.
func setTo[T ~string](to interface{ SetTo(T) }, v string) {
	if v != "" {
		to.SetTo(T(v))
	}
}
