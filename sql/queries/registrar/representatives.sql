-- name: Assess :exec
insert into registrar.assessments (act_id, subject_id, competent, ends_at) values (@act_id, @subject_id, @competent, @ends_at);

-- name: RecordRepresentative :exec
insert into registrar.representatives (act_id, subject_id, representative_id, authority, evidence, scope, ends_at)
values (@act_id, @subject_id, @representative_id, @authority, @evidence, @scope, @ends_at);

-- name: ListRepresenting :many
-- What lets one act for another, whichever entries of theirs it names.
select p.act_id
  from registrar.representatives p
 where p.subject_id = any(registrar.members(sqlc.arg(subject)::uuid)) and p.representative_id = any(registrar.members(sqlc.arg(representative)::uuid))
   and not exists (select from registrar.representatives_ended x where x.represents = p.act_id);

-- name: EndRepresentative :exec
-- Ended once, whoever does so at the same time.
insert into registrar.representatives_ended (represents, act_id) values (@represents, @act_id);

-- name: ListRepresented :many
-- For whom somebody may act now.
select registrar.root(p.subject_id)::uuid as subject_id, p.authority, p.scope
  from registrar.representatives p
 where p.representative_id = any(registrar.members(sqlc.arg(representative)::uuid)) and p.ends_at > sqlc.arg(now)
   and not exists (select from registrar.representatives_ended x where x.represents = p.act_id)
 order by p.act_id
 limit 50;

-- name: FindAssessment :one
-- The newest that holds.
select s.competent
  from registrar.assessments s join registrar.acts a on a.act_id = s.act_id
 where s.subject_id = any(registrar.members(sqlc.arg(subject)::uuid)) and s.ends_at > sqlc.arg(now)
 order by a.at desc, a.act_id desc
 limit 1;
