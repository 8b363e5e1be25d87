package verify

import (
	"context"
	"database/sql"

	"github.com/fame-hub/fame/internal/ident"
)

// checkHandover compares what duties hand over to each other with what it came from and
// what came of it: repairs of what a registrar found to be wrong, and clashes that become
// cases, with the references by which agencies are shown those. What was disclosed names
// an enquiry, though no reference of the database says so (docs/decisions/0023).
func (v *verification) checkHandover(ctx context.Context) error {
	for _, q := range []struct{ place, says, query string }{
		{"repair of ", "no act undoes it, or it is no enquiry that is reviewed for it", `
			select p.record_id from relmgr.repairs p
			 where case when p.act_id is null
			   then not exists (select from relmgr.reviews v where v.enquiry_id = p.record_id and v.cause = 'repair')
			   else not exists (select from relmgr.acts a join relmgr.undoings u on u.act_id = a.act_id and u.undoes = p.record_id
			                     where a.act_id = p.act_id and a.kind = 'repair') end`},
		{"act ", "it repairs, and what it suspends is not listed; nor did the hub take it back", `
			select a.act_id from relmgr.acts a
			 where a.kind = 'repair' and not exists (select from relmgr.repairs p where p.act_id = a.act_id)
			   and not exists (select from relmgr.undoings u join relmgr.acts w on w.act_id = u.act_id
			                    where u.undoes = a.act_id and w.kind = 'withdraw' and w.practitioner_id = a.practitioner_id and w.role = a.role)`},
		{"enquiry ", "it is reviewed for a registrar's mistake that it did not rest on", `
			select v.enquiry_id from relmgr.reviews v where v.cause = 'repair' and not exists (select from relmgr.repairs p where p.record_id = v.enquiry_id)`},
		{"clash of grant ", "nobody asked at that time", `
			select c.grant_id from relmgr.clashes c where not exists (select from relmgr.enquiries e where e.at = c.at)`},
		{"enquiry ", "it disclosed, and is not there", `
			select distinct d.enquiry_id from relmgr.disclosures d where not exists (select from relmgr.enquiries e where e.enquiry_id = d.enquiry_id)`},
	} {
		ids, err := all(ctx, v.relmgr, q.query+" order by 1", func(r *sql.Rows, id *ident.UntypedID) error { return r.Scan(id) })
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := v.found(q.place+id.String(), "%s", q.says); err != nil {
				return err
			}
		}
	}
	return v.checkClashes(ctx)
}

type meeting struct{ grant, withholding ident.UntypedID }

// checkClashes compares the pairs of effects that met with the effects, and with the
// cases that they became.
func (v *verification) checkClashes(ctx context.Context) error {
	scan := func(r *sql.Rows, p *meeting) error { return r.Scan(&p.grant, &p.withholding) }
	met, err := all(ctx, v.relmgr, "select grant_id, withholding_id from relmgr.clashes order by 1, 2", scan)
	if err != nil {
		return err
	}
	could, err := all(ctx, v.idmgr, `select g.effect_id, w.effect_id from idmgr.effects g join idmgr.effects w on w.manager <> g.manager and w.handle_id = g.handle_id
		where g.kind = 'grant' and w.kind = 'withhold'`, scan)
	if err != nil {
		return err
	}
	became, err := all(ctx, v.idmgr, "select source_id, against from idmgr.cases where source = 'clash' order by 1, 2", scan)
	if err != nil {
		return err
	}
	possible, known := map[meeting]bool{}, map[meeting]bool{}
	for _, p := range could {
		possible[p] = true
	}
	for _, p := range met {
		known[p] = true
		if !possible[p] {
			if err := v.found("clash of grant "+p.grant.String(), "there is no such grant, or no withholding of another manager's against it"); err != nil {
				return err
			}
		}
	}
	for _, p := range became {
		if !known[p] {
			if err := v.found("clash of grant "+p.grant.String(), "it became a case, and is not there: it was removed or altered"); err != nil {
				return err
			}
		}
	}
	type shown struct {
		reference ident.ReferenceID
		of        ident.CaseID
		agency    ident.Agency
	}
	references, err := all(ctx, v.idmgr, "select reference_id, case_id, agency_id from idmgr.case_references order by 1", func(r *sql.Rows, s *shown) error {
		return r.Scan(&s.reference, &s.of, &s.agency)
	})
	if err != nil {
		return err
	}
	for _, s := range references {
		if s.reference != ident.ReferenceOf(s.of, s.agency) {
			if err := v.found("reference of a case "+s.reference.String(), "it is not what that agency is shown of that case"); err != nil {
				return err
			}
		}
	}
	unseen, err := all(ctx, v.idmgr, `select c.case_id from idmgr.cases c, unnest(c.agencies) a
		where not exists (select from idmgr.case_references r where r.case_id = c.case_id and r.agency_id = a)
		union select r.case_id from idmgr.case_references r where not exists (select from idmgr.cases c where c.case_id = r.case_id) order by 1`,
		func(r *sql.Rows, id *ident.CaseID) error { return r.Scan(id) })
	if err != nil {
		return err
	}
	for _, id := range unseen {
		if err := v.found("case "+id.String(), "a party to it has no reference to it, or a reference is to no case"); err != nil {
			return err
		}
	}
	return nil
}
