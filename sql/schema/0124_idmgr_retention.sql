-- +goose Up
-- What identity managers kept of private links and of cases that are over is erased by
-- an act that names its leaves, when a rule of retention says so (LEG-29,
-- docs/decisions/0116).

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table idmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''expire''::text, '))
             from pg_constraint where conrelid = 'idmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- The leaves of records and acts whose contents are gone, by the record or act that erased
-- them, with a hash of what of each still stands. A record of the journal looks like any
-- other: which of them erases stands here.
create table idmgr.erased (
  commitment bytea primary key,
  rest       bytea not null,
  act_id     uuid not null,
  constraint commitment_is_sha256 check (octet_length(commitment) = 32),
  constraint rest_is_sha256 check (octet_length(rest) = 32)
);
create index erased_by_act on idmgr.erased (act_id);

-- Taking the key of a step takes why it was made, and whose case it was, in the same
-- statement; a trigger lets nothing else become of them.
-- +goose StatementBegin
create function idmgr.take_what_stands() returns trigger language plpgsql as $$
begin
  update idmgr.case_steps s set reason = 'erased' from gone g where s.act_id = g.record_id and s.reason is not null;
  update idmgr.cases c set agencies = '{}' from gone g, idmgr.case_steps s where s.act_id = g.record_id and s.ordinal = 0 and c.case_id = s.case_id;
  return null;
end $$;
create function idmgr.only_what_goes() returns trigger language plpgsql as $$
begin
  if exists (select from idmgr.content_keys k join idmgr.case_steps s on s.act_id = k.record_id where s.case_id = old.case_id)
     or to_jsonb(new) - 'reason' - 'agencies' <> to_jsonb(old) - 'reason' - 'agencies'
     or to_jsonb(new) ->> 'reason' <> 'erased' or to_jsonb(new) -> 'agencies' <> '[]' then
    raise exception 'what became of a case is never changed: why it did goes with its keys' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger take_what_stands after delete on idmgr.content_keys
  referencing old table as gone for each statement execute function idmgr.take_what_stands();
create trigger only_what_goes before update on idmgr.case_steps for each row execute function idmgr.only_what_goes();
create trigger only_what_goes before update on idmgr.cases for each row execute function idmgr.only_what_goes();

-- What of a record or an act still stands when nobody can open it; `fame verify` works the
-- same out by itself.
-- +goose StatementBegin
create function idmgr.rest_of(record uuid) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_strip_nulls(jsonb_build_array(
    (select to_jsonb(r) - 'position' from idmgr.records r where r.record_id = record),
    (select to_jsonb(a) from idmgr.acts a where a.act_id = record),
    (select to_jsonb(s) from idmgr.case_steps s where s.act_id = record),
    (select to_jsonb(c) from idmgr.cases c join idmgr.case_steps s on s.case_id = c.case_id where s.act_id = record and s.ordinal = 0)))::text, 'UTF8'))
$$;
-- +goose StatementEnd

-- Cases that are over, and since when: settled, or ruled on and past appeal, and of a clash
-- both sides are over. Those of which the reasons are gone are left out.
create index last_steps on idmgr.case_steps (due_at) where kind in ('rule', 'settle');
create view idmgr.cases_over as
  select l.case_id, greatest(l.due_at, g.until, w.until) as ended_at
    from idmgr.case_steps l
    join idmgr.cases c on c.case_id = l.case_id
    left join idmgr.effects g on g.effect_id = c.source_id and c.source = 'clash'
    left join idmgr.effects w on w.effect_id = c.against
   where l.kind in ('rule', 'settle') and exists (select from idmgr.content_keys k where k.record_id = l.act_id)
     and not exists (select from idmgr.case_steps s where s.case_id = l.case_id and s.ordinal > l.ordinal);

-- +goose Down
drop view idmgr.cases_over;
drop index idmgr.last_steps;
drop function idmgr.rest_of;
drop trigger take_what_stands on idmgr.content_keys;
drop function idmgr.take_what_stands;
drop function idmgr.only_what_goes cascade;
drop table idmgr.erased;
