-- What a person is to be asked (PUB-10). A request is never changed: its answer
-- is a row of its own.
-- name: InsertRequest :exec
insert into consent.requests (request_id, act_id, handle_id, column_id, agency_id, explicit, audience_kind, audience,
                              purposes, aspects, ends_at, asked_at)
values (sqlc.arg(request_id), sqlc.arg(act_id), sqlc.arg(handle_id), sqlc.arg(column_id), sqlc.arg(agency_id),
        sqlc.arg(explicit), sqlc.arg(audience_kind), sqlc.arg(audience), sqlc.arg(purposes), sqlc.arg(aspects),
        sqlc.arg(ends_at), sqlc.arg(asked_at));

-- A request, for a caller who is a member of one of these columns. To all
-- others there is no row, as for an id that names nothing.
-- name: FindRequest :one
select r.request_id, r.handle_id, r.column_id, r.explicit, r.audience_kind, r.audience, r.purposes, r.aspects, r.ends_at,
       exists (select from consent.answers a where a.request_id = r.request_id) as answered
  from consent.requests r
 where r.request_id = sqlc.arg(request_id) and r.column_id = any(sqlc.arg(columns)::text[]) and r.audience_kind <> 'erased';

-- Those of a column that nobody has answered and that are not over.
-- name: ListOpenRequests :many
select r.request_id, r.handle_id, r.explicit, r.audience_kind, r.audience, r.purposes, r.aspects, r.ends_at, r.asked_at,
       act.practitioner_id
  from consent.requests r
  join consent.acts act on act.act_id = r.act_id
 where r.column_id = sqlc.arg(column_id) and r.ends_at > sqlc.arg(at)
   and not exists (select from consent.answers a where a.request_id = r.request_id)
 order by r.asked_at, r.request_id
 limit sqlc.arg(page_size);

-- No row is inserted when another answer came first; one under way is waited
-- for, since its transaction may yet fail.
-- name: InsertAnswer :execrows
insert into consent.answers (request_id, act_id, at, answer, reason, consent_id)
values (sqlc.arg(request_id), sqlc.arg(act_id), sqlc.arg(at), sqlc.arg(answer), sqlc.narg(reason)::text, sqlc.narg(consent_id))
on conflict (request_id) do nothing;

-- What relmgr would have asked of people of these columns, and nobody has taken
-- in yet (PUB-10).
-- name: ListWanted :many
select w.request_id, w.handle_id, w.column_id, w.agency_id, w.practitioner_id, w.role, w.at, w.explicit, w.audience_kind, w.audience,
       w.purposes, w.aspects, w.until
  from relmgr.consent_wanted w
 where w.handle_id is not null and w.column_id = any(sqlc.arg(columns)::text[]) and w.until > sqlc.arg(at)::timestamptz
   and not exists (select from consent.requests r where r.request_id = w.request_id)
 order by w.at
 limit 100;

-- No row is inserted when somebody else took it in first.
-- name: TakeInRequest :execrows
insert into consent.requests (request_id, act_id, handle_id, column_id, agency_id, explicit, audience_kind, audience,
                              purposes, aspects, ends_at, asked_at)
values (sqlc.arg(request_id), sqlc.arg(act_id), sqlc.arg(handle_id), sqlc.arg(column_id), sqlc.arg(agency_id),
        sqlc.arg(explicit), sqlc.arg(audience_kind), sqlc.arg(audience), sqlc.arg(purposes), sqlc.arg(aspects),
        sqlc.arg(ends_at), sqlc.arg(asked_at))
on conflict (request_id) do nothing;
