-- +goose Up
-- Erasure is an act that names its leaves (design.md section 9): what it took the
-- content key of is known from what somebody removed.

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''erase''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- What was erased of one handle, and what a law had the agency keep. Keeping
-- everything is a refusal; all else happens to a handle once.
create table relmgr.erasures (
  act_id      uuid primary key references relmgr.acts,
  handle_id   uuid not null references relmgr.handles,
  column_id   governance.code not null,
  keeps       text,
  obligation  text,
  complete_at timestamptz not null, -- when no backup holds it any more
  constraint erasure_keeps_what_is_known check (keeps in ('records', 'everything')),
  constraint erasure_obligation_is_known check (obligation in ('legal-obligation', 'legal-claims', 'public-health')),
  constraint keeping_names_its_obligation check ((keeps is null) = (obligation is null))
);
create unique index handle_is_erased_once on relmgr.erasures (handle_id) where keeps is distinct from 'everything';

-- The leaves of records whose contents are gone, by the act that erased them, with
-- a hash of what of each still stands.
create table relmgr.erased (
  commitment bytea primary key,
  rest       bytea not null,
  act_id     uuid not null references relmgr.acts,
  constraint commitment_is_sha256 check (octet_length(commitment) = 32),
  constraint rest_is_sha256 check (octet_length(rest) = 32)
);
create index erased_by_act on relmgr.erased (act_id);

-- What of a record still stands when nobody can open it. A column that is added
-- to one of these tables must be null in rows of before. `fame verify` works the
-- same out by itself.
-- +goose StatementBegin
create function relmgr.rest_of(record uuid) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_strip_nulls(jsonb_build_array(
    (select to_jsonb(a) from relmgr.acts a where a.act_id = record),
    (select to_jsonb(e) from relmgr.enquiries e where e.enquiry_id = record),
    (select to_jsonb(d) from relmgr.declarations d where d.declaration_id = record),
    (select jsonb_agg(h.handle_id order by h.handle_id) from relmgr.act_handles h where h.act_id = record),
    (select jsonb_agg(u.undoes order by u.undoes) from relmgr.undoings u where u.act_id = record),
    (select jsonb_agg(to_jsonb(d) order by d.decision_id) from relmgr.decisions d where d.act_id = record),
    (select jsonb_agg(c.consent_id order by c.decision_id, c.consent_id)
       from relmgr.decision_consents c join relmgr.decisions d on d.decision_id = c.decision_id where d.act_id = record)))::text, 'UTF8'))
$$;
-- +goose StatementEnd

-- Nobody is told of, or asked for, what is erased.
create or replace view relmgr.consent_wanted as
  select d.decision_id as request_id, d.handle_id, h.column_id, d.agency_id, d.practitioner_id, a.role, a.at,
         d.ground = 'explicit-consent' as explicit, d.audience_kind, d.audience, d.purposes, d.aspects, d.until
    from relmgr.decisions d
    join relmgr.acts a on a.act_id = d.act_id
    join relmgr.handles h on h.handle_id = d.handle_id
   where d.outcome = 'refused' and d.stopped_at = 3 and d.ground in ('explicit-consent', 'implied-consent') and h.wrapped_by <> '';
create or replace view relmgr.to_tell as
  select t.tells_of as act_id, t.handle_id, t.agency_id, t.at
    from relmgr.tellings t
   where t.told and not exists (select from relmgr.tellings n where n.tells_of = t.tells_of and (n.at, n.act_id) > (t.at, t.act_id))
     and exists (select from relmgr.handles h where h.handle_id = t.handle_id and h.wrapped_by <> '');

-- +goose Down
create or replace view relmgr.to_tell as
  select t.tells_of as act_id, t.handle_id, t.agency_id, t.at
    from relmgr.tellings t
   where t.told and not exists (select from relmgr.tellings n where n.tells_of = t.tells_of and (n.at, n.act_id) > (t.at, t.act_id));
create or replace view relmgr.consent_wanted as
  select d.decision_id as request_id, d.handle_id, h.column_id, d.agency_id, d.practitioner_id, a.role, a.at,
         d.ground = 'explicit-consent' as explicit, d.audience_kind, d.audience, d.purposes, d.aspects, d.until
    from relmgr.decisions d
    join relmgr.acts a on a.act_id = d.act_id
    join relmgr.handles h on h.handle_id = d.handle_id
   where d.outcome = 'refused' and d.stopped_at = 3 and d.ground in ('explicit-consent', 'implied-consent');
drop function relmgr.rest_of;
drop table relmgr.erased, relmgr.erasures;
