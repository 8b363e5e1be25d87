-- The projection by which a person is found: what was is replaced.
-- name: DropTokens :exec
delete from registrar.tokens where token = any(sqlc.arg(tokens)::bigint[]) and subject_id = sqlc.arg(subject_id);

-- name: PutTokens :exec
insert into registrar.tokens (token, subject_id)
select unnest(sqlc.arg(tokens)::bigint[]), sqlc.arg(subject_id)::uuid
on conflict do nothing;

-- name: PutProfile :exec
insert into registrar.profiles (subject_id, sealed, oldest, newest)
values (sqlc.arg(subject_id), sqlc.arg(sealed), sqlc.arg(oldest), sqlc.arg(newest))
on conflict (subject_id) do update set sealed = excluded.sealed, oldest = excluded.oldest, newest = excluded.newest;

-- name: FindProfile :one
select sealed, oldest, newest from registrar.profiles where subject_id = sqlc.arg(subject_id) for update;

-- For each token at most as many people as its way of looking reads, and one more. There is
-- a row at least, and each says which epoch is looked up: of tokens of another nobody is.
-- name: FindCandidates :many
select e.reading::int as reading, coalesce(t.n, -1)::int as n, coalesce(t.subject_id, '00000000-0000-0000-0000-000000000000')::uuid as subject_id
  from (select coalesce(max(te.reading), 1) as reading from registrar.token_epochs te where te.registrar = sqlc.arg(registrar)) e
  left join (
    select k.n, u.subject_id
      from (select unnest(sqlc.arg(numbers)::int[]) as n, unnest(sqlc.arg(tokens)::bigint[]) as token, unnest(sqlc.arg(bounds)::int[]) as most) k
      cross join lateral (select o.subject_id from registrar.tokens o where o.token = k.token limit k.most) u
  ) t on e.reading = sqlc.arg(epoch)::int;

-- name: ListProfiles :many
select p.subject_id, p.sealed, k.wrapped, k.wrapped_by, (x.subject_id is not null)::bool as shielded
  from registrar.profiles p
  join registrar.subject_keys k on k.subject_id = p.subject_id
  left join registrar.shielded x on x.subject_id = p.subject_id
 where p.subject_id = any(sqlc.arg(subjects)::uuid[]);

-- In the order of ids, which are random.
-- name: SampleProfiles :many
select p.subject_id, p.sealed, k.wrapped, k.wrapped_by
  from registrar.subjects s
  join registrar.profiles p on p.subject_id = s.subject_id
  join registrar.subject_keys k on k.subject_id = s.subject_id
 where s.register_id = sqlc.arg(register_id) and s.subject_id > sqlc.arg(subject_id)
 order by s.subject_id
 limit sqlc.arg(most);

-- name: CountSubjects :one
select count(*) from (select from registrar.subjects where register_id = sqlc.arg(register_id) limit sqlc.arg(most)) s;

-- name: NewestModel :one
select version, entries from registrar.models where register_id = sqlc.arg(register_id) order by at desc limit 1;

-- name: ReadModel :one
select model from registrar.models where register_id = sqlc.arg(register_id) and version = sqlc.arg(version);

-- name: InsertModel :exec
insert into registrar.models (register_id, version, at, entries, model)
values (sqlc.arg(register_id), sqlc.arg(version), sqlc.arg(at), sqlc.arg(entries), sqlc.arg(model))
on conflict do nothing;

-- One process at a time estimates.
-- name: TryEstimating :one
select pg_try_advisory_xact_lock(hashtext('registrar.models'), hashtext(sqlc.arg(register)::text));

-- How often somebody has asked since then, counted no further than it matters.
-- name: CountAsked :one
select count(*) from (
  select from registrar.acts
   where practitioner_id = sqlc.arg(practitioner)::text and kind = 'recognise' and at > sqlc.arg(since) limit sqlc.arg(most)) a;

-- name: InsertRecognition :exec
insert into registrar.recognitions (recognition_id, act_id, register_id, subject_id, outcome, confidence, model)
values (sqlc.arg(recognition_id), sqlc.arg(act_id), sqlc.arg(register_id), sqlc.arg(subject_id), sqlc.arg(outcome),
        sqlc.arg(confidence), sqlc.arg(model));

-- name: FindRecognition :one
select r.act_id, a.at, a.commitment, a.sealed, k.wrapped
  from registrar.recognitions r
  join registrar.acts a on a.act_id = r.act_id
  join registrar.content_keys k on k.record_id = r.act_id
 where r.recognition_id = sqlc.arg(recognition_id) and r.register_id = sqlc.arg(register_id);

-- Some people of a register from an id on, and from its beginning where that is near its
-- end: those who can be recognised at all.
-- name: SampleToFind :many
select q.subject_id, q.sealed, q.wrapped, q.wrapped_by
  from (
    (select s.subject_id, 0 as round from registrar.subjects s where s.register_id = sqlc.arg(register_id) and s.subject_id > sqlc.arg(subject_id)
      order by s.subject_id limit sqlc.arg(most))
    union all
    (select s.subject_id, 1 from registrar.subjects s where s.register_id = sqlc.arg(register_id) and s.subject_id <= sqlc.arg(subject_id)
      order by s.subject_id limit sqlc.arg(most))
  ) drawn
  join lateral (
    select p.subject_id, p.sealed, k.wrapped, k.wrapped_by
      from registrar.profiles p join registrar.subject_keys k on k.subject_id = p.subject_id
     where p.subject_id = drawn.subject_id
  ) q on true
 where not exists (select from registrar.shielded x where x.subject_id = drawn.subject_id)
 order by drawn.round, q.subject_id
 limit sqlc.arg(most);
