-- name: FindSurvivor :one
-- The entry that a subject's resolves to, and whether its register is an agency's own list.
select s.subject_id, r.self_registered
  from registrar.subjects s join registrar.registers r on r.register_id = s.register_id
 where s.subject_id = registrar.root(sqlc.arg(subject)::uuid);
