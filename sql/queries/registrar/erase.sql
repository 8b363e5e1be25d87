-- name: CountOpenTasks :one
-- What a person has still to look at of these entries.
select count(*) from registrar.tasks t
 where (t.subject_a = any(sqlc.arg(subjects)::uuid[]) or t.subject_b = any(sqlc.arg(subjects)::uuid[]))
   and not exists (select from registrar.decided d where d.task_id = t.task_id);

-- name: ListToErase :many
-- Recognitions that named these entries, or came close to one, whose contents are
-- there.
select a.act_id, a.commitment, registrar.rest_of(a.act_id)::bytea as rest
  from registrar.acts a
  join registrar.content_keys k on k.record_id = a.act_id
 where a.act_id in (select r.act_id from registrar.recognitions r where r.subject_id = any(sqlc.arg(subjects)::uuid[])
                    union
                    select r.act_id from registrar.tasks t join registrar.recognitions r on r.recognition_id = t.recognition_id
                     where t.subject_a = any(sqlc.arg(subjects)::uuid[]))
 order by a.commitment;

-- name: RecordErasure :exec
insert into registrar.erasures (act_id, subject_id, obligation, complete_at)
select @act_id::uuid, s.id, nullif(sqlc.arg(obligation)::text, ''), @complete_at::timestamptz
  from unnest(sqlc.arg(subjects)::uuid[]) as s (id);

-- name: EraseContents :exec
-- Takes the keys of these records and names their leaves.
with gone as (
  delete from registrar.content_keys k where k.record_id = any(sqlc.arg(record_ids)::uuid[])
)
insert into registrar.erased (commitment, rest, act_id)
select l.commitment, l.rest, @act_id::uuid
  from (select unnest(sqlc.arg(commitments)::bytea[]) as commitment, unnest(sqlc.arg(rests)::bytea[]) as rest) l;

-- name: ErasePeople :exec
-- Takes what opens, finds and admits these people.
with accounts as (
  select a.account_id from registrar.accounts a where a.subject_id = any(sqlc.arg(subjects)::uuid[])
), authenticators as (
  delete from registrar.authenticators_in_force f using accounts a where f.account_id = a.account_id
), sessions as (
  delete from registrar.sessions s using accounts a where s.account_id = a.account_id
), grants as (
  update registrar.grants g set revoked = true from accounts a where g.account_id = a.account_id
), found as (
  delete from registrar.tokens t where t.subject_id = any(sqlc.arg(subjects)::uuid[])
), numbers as (
  delete from registrar.identifiers n using registrar.items i where i.item_id = n.item_id and i.subject_id = any(sqlc.arg(subjects)::uuid[])
), profiles as (
  delete from registrar.profiles p where p.subject_id = any(sqlc.arg(subjects)::uuid[])
), unsearched as (
  delete from registrar.unsearched u where u.subject_id = any(sqlc.arg(subjects)::uuid[])
)
delete from registrar.subject_keys k where k.subject_id = any(sqlc.arg(subjects)::uuid[]);

-- name: TakeExpired :many
-- Takes the keys of a page of what was asked of a register before an instant, and of who
-- looked at whom, with what the act that does so names. Who comes second takes others.
-- What somebody has to look at is kept for them.
with due as (
  select a.act_id
    from registrar.acts a
    join registrar.content_keys k on k.record_id = a.act_id
   where a.registrar = sqlc.arg(registrar) and a.kind in ('recognise', 'check-record', 'look', 'explain') and a.at < sqlc.arg(before)::timestamptz
     and not exists (select from registrar.recognitions r join registrar.tasks t on t.recognition_id = r.recognition_id
                      where r.act_id = a.act_id and not exists (select from registrar.decided d where d.task_id = t.task_id))
   order by a.at, a.act_id
   limit sqlc.arg(most)
), gone as (
  delete from registrar.content_keys k using due where k.record_id = due.act_id returning k.record_id
)
select a.act_id, a.commitment, registrar.rest_of(a.act_id)::bytea as rest
  from registrar.acts a join gone on gone.record_id = a.act_id
 order by a.commitment;
