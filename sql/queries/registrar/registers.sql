-- No row is inserted where the code is taken.
-- name: InsertRegister :execrows
insert into registrar.registers (register_id, registrar, act_id, title, contact, scope, criterion, self_registered, serves,
                                 overseer, inclusion, appeal, review_on, latency_ms, errors_per_mille, per_minute)
values (sqlc.arg(register_id), sqlc.arg(registrar), sqlc.arg(act_id), sqlc.arg(title), sqlc.arg(contact), sqlc.arg(scope),
        nullif(sqlc.arg(criterion)::text, ''), sqlc.arg(self_registered), sqlc.arg(serves)::text[],
        nullif(sqlc.arg(overseer)::text, ''), nullif(sqlc.arg(inclusion)::text, ''), nullif(sqlc.arg(appeal)::text, ''),
        nullif(sqlc.arg(review_on)::text, ''), nullif(sqlc.arg(latency_ms)::int, 0),
        case when sqlc.arg(latency_ms)::int <> 0 then sqlc.arg(errors_per_mille)::int end, nullif(sqlc.arg(per_minute)::int, 0))
on conflict (register_id) do nothing;

-- The registers of one registrar, or the one of that code.
-- name: ListRegisters :many
select register_id, registrar, title, contact, scope, coalesce(criterion, '')::text as criterion, self_registered, serves,
       coalesce(overseer, '')::text as overseer, coalesce(inclusion, '')::text as inclusion, coalesce(appeal, '')::text as appeal,
       coalesce(review_on, '')::text as review_on, coalesce(latency_ms, 0)::int as latency_ms,
       coalesce(errors_per_mille, 0)::int as errors_per_mille, coalesce(per_minute, 0)::int as per_minute
  from registrar.registers
 where registrar = sqlc.arg(registrar) and (sqlc.arg(register)::text = '' or register_id = sqlc.arg(register)::text)
 order by register_id;
