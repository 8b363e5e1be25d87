-- Whoever changes the terms or the register of users waits here for the one
-- before, until that one's transaction ends. What is read after this is what
-- the change is made to. The numbers are "fame" and this duty's own.
-- name: LockRegister :exec
select pg_advisory_xact_lock(1717660005, 1);

-- The version in force.
-- name: FindTerms :one
select version, document, applied
  from governance.terms
 order by version desc
 limit 1;

-- A new version. None is ever changed.
-- name: AddTerms :exec
insert into governance.terms (version, act_id, applied_at, document, applied)
values (@version, @act_id, @applied_at, @document, @applied);
