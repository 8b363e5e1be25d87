-- name: KeepTie :exec
insert into relmgr.ties (act_id, handle_id, decision_id, hub, live, code_hash, code_ends)
values (@act_id, @handle_id, @decision_id, @hub, true, @code_hash, @code_ends);

-- name: UseTieCode :one
-- The tie that a code of this hub's opened towards the hub that names it: once, and while
-- it can be used.
update relmgr.ties set code_hash = null
 where code_hash = sqlc.arg(code_hash)::bytea and hub = @hub and live and code_ends > sqlc.arg(now)::timestamptz
returning act_id;

-- name: KeepTieReference :exec
insert into relmgr.tie_references (act_id, reference_hash, sealed, wrapped) values (@act_id, @reference_hash, @sealed, @wrapped);

-- name: ReadTies :many
-- Ties that have both their ends: of handles, by their references, or by their acts; with
-- what each rests on. Not consented while its handle is disputed.
with chosen as (
  select t.act_id from relmgr.ties t where t.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[])
  union
  select r.act_id from relmgr.tie_references r where r.reference_hash = any(sqlc.arg(reference_hashes)::bytea[])
  union
  select a.act_id from unnest(sqlc.arg(act_ids)::text[]::uuid[]) as a (act_id)
)
select t.act_id, t.handle_id, t.hub, r.sealed, r.wrapped, h.column_id, coalesce(h.token, '')::bytea as token, coalesce(h.token_b, '')::bytea as token_b,
       d.agreement::text as agreement, d.power::text as power, d.ground, d.mode, d.purposes, d.aspects, d.audience_kind, d.audience, d.until, d.review_at,
       coalesce(d.ordinary, '')::text as ordinary, coalesce(d.sensitive, '')::text as sensitive,
       (not exists (select from relmgr.disputes x where x.handle_id = t.handle_id)
        and not exists (
          select from relmgr.decision_consents dc
            left join consent.published_consents pc on pc.consent_id = dc.consent_id
           where dc.decision_id = d.decision_id
             and (pc.consent_id is null or pc.withdrawn_at is not null or sqlc.arg(at)::timestamptz < pc.starts_at or sqlc.arg(at)::timestamptz >= pc.ends_at)
        ))::boolean as consented
  from chosen c
  join relmgr.ties t on t.act_id = c.act_id
  join relmgr.tie_references r on r.act_id = t.act_id
  join relmgr.handles h on h.handle_id = t.handle_id
  join relmgr.decisions d on d.decision_id = t.decision_id
 where t.live
 order by t.act_id;

-- name: ListTied :many
-- A page of the ties that have both their ends.
select act_id from relmgr.tie_references where act_id > coalesce(sqlc.arg(after)::uuid, '00000000-0000-0000-0000-000000000000') order by act_id limit @page_size;

-- name: Untie :many
-- Takes the references of ties away, by their acts or their handle, and returns what the
-- other hubs are to be told with.
with gone as (
  delete from relmgr.tie_references r
   where r.act_id in (select a.act_id from unnest(sqlc.arg(act_ids)::text[]::uuid[]) as a (act_id)
                      union select o.act_id from relmgr.ties o where o.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[]))
  returning r.act_id, r.sealed, r.wrapped
)
select t.act_id, t.hub, g.sealed, g.wrapped from gone g join relmgr.ties t on t.act_id = g.act_id order by t.act_id;

-- name: FindTied :one
-- The tie of a reference, towards the hub that names it, held until the commit.
select r.act_id, a.agency_id
  from relmgr.tie_references r
  join relmgr.ties t on t.act_id = r.act_id
  join relmgr.acts a on a.act_id = r.act_id
 where r.reference_hash = sqlc.arg(reference_hash)::bytea and t.hub = @hub
   for update of r;

-- name: FindTie :one
-- A tie that has both its ends, held until the commit.
select r.act_id, a.agency_id from relmgr.tie_references r join relmgr.acts a on a.act_id = r.act_id
 where r.act_id = @act_id for update of r;

-- name: WriteLetter :exec
insert into relmgr.letters (letter_id, hub, ends_at, sealed, wrapped) values (sqlc.arg(letter_id)::uuid, @hub, @ends_at, @sealed, @wrapped);

-- name: DropLetters :exec
-- Those that were taken, and those whose end has come.
delete from relmgr.letters
 where letter_id in (select t.letter_id from unnest(sqlc.arg(taken)::text[]::uuid[]) as t (letter_id)
                     union select o.letter_id from relmgr.letters o where o.ends_at <= sqlc.arg(now)::timestamptz);

-- name: ListLetters :many
-- What is still to be told, what ends first first.
select letter_id, hub, sealed, wrapped from relmgr.letters order by ends_at, letter_id limit @page_size;
