-- +goose Up
-- What a register holds of a person is erased by an act (SUB-06, LEG-29). The key of
-- the person's items goes, and with it all of them, in backups too once those are gone;
-- what finds the person and what proves who they are goes as well. Acts, references
-- and recognitions stay as ids, codes and times.

insert into registrar.act_kinds values ('erase-person', false), ('expire', false);

-- Whose entries went, or, where a law obliges to keep them, did not.
create table registrar.erasures (
  act_id      uuid not null references registrar.acts,
  subject_id  uuid not null references registrar.subjects,
  obligation  text,
  complete_at timestamptz not null, -- when no backup holds it any more
  primary key (act_id, subject_id),
  constraint erasure_obligation_is_known check (obligation in ('legal-obligation', 'legal-claims', 'public-health'))
);
create unique index person_is_erased_once on registrar.erasures (subject_id) where obligation is null;

-- The leaves of acts whose contents are gone, by the act that erased them, with a hash
-- of what of each still stands.
create table registrar.erased (
  commitment bytea primary key,
  rest       bytea not null,
  act_id     uuid not null references registrar.acts,
  constraint commitment_is_sha256 check (octet_length(commitment) = 32),
  constraint rest_is_sha256 check (octet_length(rest) = 32)
);
create index erased_by_act on registrar.erased (act_id);

-- What of an act still stands when nobody can open it: of those that lose their contents
-- recognitions alone made rows. `fame verify` works the same out by itself.
-- +goose StatementBegin
create function registrar.rest_of(record uuid) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_strip_nulls(jsonb_build_array(
    (select to_jsonb(a) from registrar.acts a where a.act_id = record),
    (select jsonb_agg(to_jsonb(r) order by r.recognition_id) from registrar.recognitions r where r.act_id = record)))::text, 'UTF8'))
$$;
-- +goose StatementEnd
create index recognitions_by_act on registrar.recognitions (act_id);
-- What is kept for a time alone: what was asked of a register, and by whom looked at.
create index acts_that_expire on registrar.acts (registrar, at, act_id) where kind in ('recognise', 'check-record', 'look', 'explain');

-- +goose Down
drop index registrar.acts_that_expire, registrar.recognitions_by_act;
drop function registrar.rest_of;
drop table registrar.erased, registrar.erasures;
delete from registrar.act_kinds where kind in ('erase-person', 'expire');
