-- +goose Up
-- What a person agreed to, hid, or was asked is erased once it is over: by an act that
-- names its leaves, when an agency says so or when a rule of retention does (SUB-06,
-- LEG-29, docs/decisions/0115). That there was a consent, for which handle and from when to
-- when, stays, as does whose word a shield was: earlier dates are answered by it.

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table consent.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''erase''::text, ''expire''::text, '))
             from pg_constraint where conrelid = 'consent.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- What was asked to be erased of a handle; or, where a law obliges to keep it, was not.
create table consent.erasures (
  act_id      uuid primary key references consent.acts,
  handle_id   uuid not null,
  column_id   governance.code not null,
  agency_id   governance.code not null, -- who controls the handle's column
  reason      governance.code not null,
  obligation  text,
  complete_at timestamptz not null, -- when no backup holds it any more
  constraint erasure_obligation_is_known check (obligation in ('legal-obligation', 'legal-claims', 'public-health'))
);
create index erasures_that_keep on consent.erasures (handle_id) where obligation is not null;

-- The leaves of acts whose contents are gone, by the act that erased them, with a hash
-- of what of each still stands.
create table consent.erased (
  commitment bytea primary key,
  rest       bytea not null,
  act_id     uuid not null references consent.acts,
  constraint commitment_is_sha256 check (octet_length(commitment) = 32),
  constraint rest_is_sha256 check (octet_length(rest) = 32)
);
create index erased_by_act on consent.erased (act_id);

-- A word in place of each that is gone.
alter table consent.consents
  drop constraint consent_audience_is_known, drop constraint consent_audience_is_named, drop constraint consent_states_what_and_why,
  add constraint consent_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns', 'peers', 'erased')),
  add constraint consent_audience_is_named check ((audience_kind in ('partnership', 'erased')) = (cardinality(audience) = 0)),
  add constraint consent_states_what_and_why check (cardinality(purposes) > 0 and cardinality(aspects) > 0 or audience_kind = 'erased');
alter table consent.requests
  drop constraint request_audience_is_known, drop constraint request_audience_is_named, drop constraint request_states_what_and_why,
  add constraint request_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns', 'peers', 'erased')),
  add constraint request_audience_is_named check ((audience_kind in ('partnership', 'erased')) = (cardinality(audience) = 0)),
  add constraint request_states_what_and_why check (cardinality(purposes) > 0 and cardinality(aspects) > 0 or audience_kind = 'erased');
alter table consent.reviews drop constraint reviews_consent_id_fkey, add constraint review_is_of_a_consent foreign key (consent_id) references consent.consents;

-- Taking the key of an act takes what stands in clear of it: nobody can do the one and
-- leave the other ...
-- +goose StatementBegin
create function consent.take_what_stands() returns trigger language plpgsql as $$
begin
  delete from consent.proxies p using gone g, consent.consents c where c.act_id = g.record_id and p.consent_id = c.consent_id;
  delete from consent.competences k using gone g, consent.consents c where c.act_id = g.record_id and k.consent_id = c.consent_id;
  update consent.consents c set explicit = false, audience_kind = 'erased', audience = '{}', purposes = '{}', aspects = '{}', evidence = 'erased',
         wording = 'erased', understanding = null from gone g where c.act_id = g.record_id;
  update consent.withdrawals w set evidence = 'erased' from gone g where w.act_id = g.record_id;
  update consent.reviews v set reason = 'erased' from gone g where v.act_id = g.record_id;
  update consent.exclusions x set excluded = 'erased', evidence = 'erased' from gone g where x.act_id = g.record_id;
  update consent.inclusions i set evidence = 'erased' from gone g where i.act_id = g.record_id;
  update consent.blocks b set warning = 'erased', evidence = 'erased' from gone g where b.act_id = g.record_id;
  update consent.unblocks u set evidence = 'erased' from gone g where u.act_id = g.record_id;
  update consent.requests q set explicit = false, audience_kind = 'erased', audience = '{}', purposes = '{}', aspects = '{}'
    from gone g where q.act_id = g.record_id;
  update consent.answers a set reason = 'erased' from gone g where a.act_id = g.record_id and a.answer <> 'given';
  return null;
end $$;
-- +goose StatementEnd
create trigger take_what_stands after delete on consent.content_keys
  referencing old table as gone for each statement execute function consent.take_what_stands();

-- ... and nothing else that was said is ever changed: only once the key is gone, and only
-- into what says that it is.
-- +goose StatementBegin
create function consent.only_what_goes() returns trigger language plpgsql as $$
begin
  if exists (select from consent.content_keys k where k.record_id = old.act_id)
     or exists (select from jsonb_each(to_jsonb(new)) n join jsonb_each(to_jsonb(old)) o using (key)
                 where n.value <> o.value and n.value not in ('"erased"', '[]', 'false', 'null')) then
    raise exception 'what was said is never changed: what it says goes with its key' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create function consent.only_with_the_consent() returns trigger language plpgsql as $$
begin
  if exists (select from consent.consents c join consent.content_keys k on k.record_id = c.act_id where c.consent_id = old.consent_id) then
    raise exception 'who decided goes with the consent' using errcode = 'insufficient_privilege';
  end if;
  return old;
end $$;
do $$
declare said text;
begin
  foreach said in array array['consents', 'withdrawals', 'reviews', 'exclusions', 'inclusions', 'blocks', 'unblocks', 'requests', 'answers'] loop
    execute format('create trigger only_what_goes before update on consent.%I for each row execute function consent.only_what_goes()', said);
  end loop;
  foreach said in array array['proxies', 'competences'] loop
    execute format('create trigger only_with_the_consent before delete on consent.%I for each row execute function consent.only_with_the_consent()', said);
  end loop;
end $$;
-- +goose StatementEnd

-- What of an act still stands when nobody can open it. A column that is added to one of
-- these tables must be null in rows of before. `fame verify` works the same out by itself.
-- +goose StatementBegin
create function consent.rest_of(record uuid) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_strip_nulls(jsonb_build_array(
    (select to_jsonb(a) from consent.acts a where a.act_id = record),
    (select to_jsonb(c) from consent.consents c where c.act_id = record),
    (select jsonb_agg(to_jsonb(p)) from consent.proxies p join consent.consents c on c.consent_id = p.consent_id where c.act_id = record),
    (select jsonb_agg(to_jsonb(k)) from consent.competences k join consent.consents c on c.consent_id = k.consent_id where c.act_id = record),
    (select to_jsonb(w) from consent.withdrawals w where w.act_id = record),
    (select to_jsonb(v) from consent.reviews v where v.act_id = record),
    (select to_jsonb(x) from consent.exclusions x where x.act_id = record),
    (select to_jsonb(i) from consent.inclusions i where i.act_id = record),
    (select to_jsonb(b) from consent.blocks b where b.act_id = record),
    (select to_jsonb(u) from consent.unblocks u where u.act_id = record),
    (select to_jsonb(q) from consent.requests q where q.act_id = record),
    (select to_jsonb(a) from consent.answers a where a.act_id = record)))::text, 'UTF8'))
$$;
-- +goose StatementEnd

-- What is looked for again and again: that which is still there, by when it ended.
create index consents_kept on consent.consents (ends_at) where evidence <> 'erased';
create index withdrawals_kept on consent.withdrawals (at) where evidence <> 'erased';
create index reviews_kept on consent.reviews (at) where reason <> 'erased';
create index inclusions_kept on consent.inclusions (at) where evidence <> 'erased';
create index unblocks_kept on consent.unblocks (at) where evidence <> 'erased';
create index requests_kept on consent.requests (ends_at) where audience_kind <> 'erased';
create index answers_kept on consent.answers (at) where answer <> 'given' and reason is distinct from 'erased';
create index answers_by_consent on consent.answers (consent_id) where consent_id is not null;
create index answers_by_act on consent.answers (act_id);
create index requests_by_act on consent.requests (act_id);

-- What is over and still there, with since when. What was said of it a moment after the
-- rest of it went is found by itself.
create view consent.over as
  select c.consent_id as thing_id, c.handle_id, c.ends_at as ended_at from consent.consents c where c.evidence <> 'erased'
  union all
  select c.consent_id, c.handle_id, w.at from consent.withdrawals w join consent.consents c on c.consent_id = w.consent_id where w.evidence <> 'erased'
  union all
  select c.consent_id, c.handle_id, v.at from consent.reviews v join consent.consents c on c.consent_id = v.consent_id where v.reason <> 'erased' and c.evidence = 'erased'
  union all
  select x.exclusion_id, x.handle_id, i.at from consent.inclusions i join consent.exclusions x on x.exclusion_id = i.exclusion_id where i.evidence <> 'erased'
  union all
  select b.block_id, b.handle_id, u.at from consent.unblocks u join consent.blocks b on b.block_id = u.block_id where u.evidence <> 'erased'
  union all
  select q.request_id, q.handle_id, q.ends_at from consent.requests q where q.audience_kind <> 'erased'
  union all
  select q.request_id, q.handle_id, a.at from consent.answers a join consent.requests q on q.request_id = a.request_id
   where a.answer <> 'given' and a.reason is distinct from 'erased';

-- All of it that is there, over or not.
create view consent.still_there as
  select c.consent_id as thing_id, c.handle_id from consent.consents c where c.evidence <> 'erased'
  union all select x.exclusion_id, x.handle_id from consent.exclusions x where x.evidence <> 'erased'
  union all select b.block_id, b.handle_id from consent.blocks b where b.evidence <> 'erased'
  union all select q.request_id, q.handle_id from consent.requests q where q.audience_kind <> 'erased';

-- The acts by which each was said; what was asked goes with what was given.
create view consent.said as
  select c.consent_id as thing_id, c.act_id from consent.consents c
  union all select w.consent_id, w.act_id from consent.withdrawals w
  union all select v.consent_id, v.act_id from consent.reviews v
  union all select a.consent_id, q.act_id from consent.answers a join consent.requests q on q.request_id = a.request_id where a.consent_id is not null
  union all select x.exclusion_id, x.act_id from consent.exclusions x
  union all select i.exclusion_id, i.act_id from consent.inclusions i
  union all select b.block_id, b.act_id from consent.blocks b
  union all select u.block_id, u.act_id from consent.unblocks u
  union all select q.request_id, q.act_id from consent.requests q
  union all select a.request_id, a.act_id from consent.answers a where a.answer <> 'given';

-- Whom an exclusion left out is gone with it. At an earlier date it hides from everybody.
create or replace view consent.published_exclusions as
  select e.exclusion_id, e.handle_id, e.excluded, e.starts_at, i.at as ended_at
    from consent.exclusions e
    left join consent.inclusions i on i.exclusion_id = e.exclusion_id
   where e.evidence <> 'erased';
create view consent.published_erased as
  select e.handle_id, e.starts_at, i.at as ended_at
    from consent.exclusions e
    left join consent.inclusions i on i.exclusion_id = e.exclusion_id
   where e.evidence = 'erased';

-- For consent: whom relmgr has erased, of whom nobody can end anything any more, and of
-- which handles something is under review, which nobody erases. Neither says more.
create view relmgr.gone_handles as
  select z.handle_id from relmgr.erasures z where z.keeps is null and z.keeps is distinct from 'everything';
create view relmgr.under_review as
  select e.handle_id from relmgr.enquiries e join relmgr.reviews v on v.enquiry_id = e.enquiry_id and v.cause = 'emergency'
   where e.emergency and not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id)
  union all
  select ah.handle_id from relmgr.act_handles ah join relmgr.objections o on o.act_id = ah.act_id
   where not exists (select from relmgr.rulings v where v.objection_id = o.act_id);

-- +goose Down
drop view relmgr.under_review, relmgr.gone_handles, consent.published_erased;
create or replace view consent.published_exclusions as
  select e.exclusion_id, e.handle_id, e.excluded, e.starts_at, i.at as ended_at
    from consent.exclusions e
    left join consent.inclusions i on i.exclusion_id = e.exclusion_id;
drop view consent.said, consent.still_there, consent.over;
drop index consent.requests_by_act, consent.answers_by_act, consent.answers_by_consent, consent.answers_kept, consent.requests_kept, consent.unblocks_kept,
  consent.inclusions_kept, consent.reviews_kept, consent.withdrawals_kept, consent.consents_kept;
drop function consent.rest_of;
drop trigger take_what_stands on consent.content_keys;
drop function consent.take_what_stands;
drop function consent.only_what_goes, consent.only_with_the_consent cascade;
drop table consent.erased, consent.erasures;
