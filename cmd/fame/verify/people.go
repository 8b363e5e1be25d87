package verify

import (
	"context"
	"database/sql"
)

// checkErasedPeople names people of whom an act erased everything and something is there,
// and those whose data nobody can open though no act erased it.
func (v *verification) checkErasedPeople(ctx context.Context) error {
	for _, c := range []struct{ query, wrong string }{
		{`select distinct z.subject_id::text from registrar.erasures z
		   where z.obligation is null and (exists (select from registrar.subject_keys k where k.subject_id = z.subject_id)
		      or exists (select from registrar.profiles p where p.subject_id = z.subject_id) or exists (select from registrar.tokens t where t.subject_id = z.subject_id)
		      or exists (select from registrar.items i join registrar.identifiers n on n.item_id = i.item_id where i.subject_id = z.subject_id)
		      or exists (select from registrar.accounts a join registrar.authenticators_in_force f on f.account_id = a.account_id where a.subject_id = z.subject_id))
		   order by 1`, "an act erased it, and something of what it held is still there"},
		{`select s.subject_id::text from registrar.subjects s
		   where not exists (select from registrar.subject_keys k where k.subject_id = s.subject_id)
		     and not exists (select from registrar.erasures z where z.subject_id = s.subject_id and z.obligation is null) order by 1`,
			"the key of what it holds is gone, and no act erased it"},
	} {
		found, err := all(ctx, v.registrar, c.query, func(r *sql.Rows, subject *string) error { return r.Scan(subject) })
		if err != nil {
			return err
		}
		for _, subject := range found {
			if err := v.found("registrar subject "+subject, "%s", c.wrong); err != nil {
				return err
			}
		}
	}
	return nil
}
