-- name: FindDetermined :one
-- Somebody whom an agency has had determined, unless that was found to be wrong or the
-- person was erased: the entry that theirs resolves to, and whether it is to be recognised by nobody.
select r.register_id, registrar.root(r.subject_id)::uuid as subject_id, r.confidence,
       exists (select from registrar.shielded x where x.subject_id = registrar.root(r.subject_id)) as shielded
  from registrar.recognitions r
  join registrar.acts a on a.act_id = r.act_id
 where r.recognition_id = sqlc.arg(recognition_id) and a.agency_id = sqlc.arg(agency) and a.registrar = sqlc.arg(registrar) and r.outcome = 'determined'
   and not exists (select from registrar.unsound u where u.recognition_id = r.recognition_id)
   and exists (select from registrar.subject_keys k where k.subject_id = r.subject_id);

-- name: AskCommon :exec
insert into registrar.common_clients (act_id, recognition_id, token, ends_at) values (@act_id, @recognition_id, @token, @ends_at);

-- name: FindCommon :one
-- What was asked by a code, until it is over or answered, with the act.
select c.act_id, a.agency_id, a.commitment, a.sealed, k.wrapped
  from registrar.common_clients c
  join registrar.acts a on a.act_id = c.act_id
  join registrar.content_keys k on k.record_id = c.act_id
 where c.token = @token and c.ends_at > sqlc.arg(now) and a.registrar = sqlc.arg(registrar)
   and not exists (select from registrar.common_answers n where n.asks = c.act_id);

-- name: AnswerCommon :execrows
-- Of two who answer at once, one does.
insert into registrar.common_answers (asks, act_id, recognition_id, same, agreement, powers, purpose, aspects, statement_id)
values (@asks, @act_id, @recognition_id, @same, @agreement, @powers, @purpose, @aspects, sqlc.narg(statement_id))
on conflict (asks) do nothing;

-- name: FindCommonAnswer :one
-- What came of what somebody asked themself.
select c.ends_at, (n.asks is not null)::boolean as answered, coalesce(n.same, false)::boolean as same, coalesce(n.agreement, '')::text as agreement,
       coalesce(n.powers, '{}')::text[] as powers, coalesce(n.purpose, '')::text as purpose, coalesce(n.aspects, '{}')::text[] as aspects
  from registrar.common_clients c
  join registrar.acts a on a.act_id = c.act_id
  left join registrar.common_answers n on n.asks = c.act_id
 where c.act_id = @act_id and a.registrar = sqlc.arg(registrar) and a.practitioner_id = sqlc.arg(practitioner)::text and a.agency_id = sqlc.arg(agency);
