-- name: InsertApproval :exec
insert into registrar.import_approvals (approval_id, register_id, people, ends_at)
values (sqlc.arg(approval_id), sqlc.arg(register_id), sqlc.arg(people), sqlc.arg(ends_at));

-- name: FindImportApproval :one
select p.approval_id, p.ends_at, a.practitioner_id
  from registrar.import_approvals p
  join registrar.acts a on a.act_id = p.approval_id
 where p.approval_id = sqlc.arg(approval_id) and p.register_id = sqlc.arg(register_id);

-- The import of a file under an approval. It is made once; of two who race both
-- get it, or no row, and read again.
-- name: OpenImport :one
with made as (
  insert into registrar.imports (import_id, approval_id, file_hash) values (sqlc.arg(import_id), sqlc.arg(approval_id), sqlc.arg(file_hash))
  on conflict (approval_id, file_hash) do nothing
  returning import_id
)
select import_id from made
union all
select i.import_id from registrar.imports i where i.approval_id = sqlc.arg(approval_id) and i.file_hash = sqlc.arg(file_hash)
 limit 1;

-- name: HasImport :one
select exists (select from registrar.imports where approval_id = sqlc.arg(approval_id) and file_hash = sqlc.arg(file_hash))::bool as has;

-- name: FindImport :one
select p.approval_id, p.ends_at, a.practitioner_id
  from registrar.imports i
  join registrar.import_approvals p on p.approval_id = i.approval_id
  join registrar.acts a on a.act_id = p.approval_id
 where i.import_id = sqlc.arg(import_id) and p.register_id = sqlc.arg(register_id);

-- How far an import has come: its parts may have arrived in any order, so next is
-- behind the first of them that no other continues.
-- name: ShowImport :one
with parts as (
  select p.first_line, p.last_line, p.entered, p.refused from registrar.import_parts p where p.import_id = sqlc.arg(import_id)
)
select coalesce(sum(p.entered), 0)::integer as entered, coalesce(sum(p.refused), 0)::integer as refused,
       (case when not exists (select from parts s where s.first_line = 1) then 1
             else (select min(e.last_line) + 1 from parts e
                    where not exists (select from parts n where n.first_line = e.last_line + 1)) end)::integer as next
  from parts p;

-- name: ListImportLines :many
select l.line, (l.act_id is not null)::boolean as entered
  from registrar.import_lines l
 where l.import_id = sqlc.arg(import_id) and l.line between sqlc.arg(first) and sqlc.arg(last)
 order by l.line;

-- name: ListImportRefusals :many
select l.line, l.pointer::text as pointer, l.detail::text as detail from registrar.import_lines l
 where l.import_id = sqlc.arg(import_id) and l.line > sqlc.arg(after) and l.pointer is not null
 order by l.line
 limit sqlc.arg(most);

-- name: TakenIdentifiers :many
select token from registrar.identifiers where token = any(sqlc.arg(odd)::bytea[])
union all
select token_b from registrar.identifiers where token_b = any(sqlc.arg(even)::bytea[]);

-- Many people, with everything that entering each leaves: the act, the key of its
-- content, its commitment, the person's entry, data key and items, what they are found
-- and compared by; and what came of each line. One statement: all are stored or
-- none is. An identifier or a line that another took meanwhile breaks a key: read
-- again.
-- name: EnterAll :exec
with entry as (
  select unnest(sqlc.arg(act_ids)::text[])::uuid as act_id, unnest(sqlc.arg(contents)::bytea[]) as sealed,
         unnest(sqlc.arg(wrapped_keys)::bytea[]) as wrapped_key, unnest(sqlc.arg(commitments)::bytea[]) as commitment,
         unnest(sqlc.arg(subjects)::text[])::uuid as subject_id, unnest(sqlc.arg(subject_keys)::bytea[]) as subject_key,
         unnest(sqlc.arg(profiles)::bytea[]) as profile, unnest(sqlc.arg(lines)::integer[]) as line
), key as (
  insert into registrar.content_keys (record_id, wrapped) select e.act_id, e.wrapped_key from entry e
), inbox as (
  insert into ledger.pending (commitment) select e.commitment from entry e
), act as (
  insert into registrar.acts (act_id, kind, by_subject, at, registrar, practitioner_id, agency_id, role, terms_version, commitment, sealed)
  select e.act_id, sqlc.arg(kind)::text, false, sqlc.arg(at)::timestamptz, sqlc.arg(registrar)::text, sqlc.arg(practitioner)::text,
         sqlc.arg(agency)::text, sqlc.arg(role)::text, sqlc.arg(terms_version)::bigint, e.commitment, e.sealed
    from entry e
), person as (
  insert into registrar.subjects (subject_id, register_id, act_id) select e.subject_id, sqlc.arg(register_id)::text, e.act_id from entry e
), person_key as (
  insert into registrar.subject_keys (subject_id, wrapped, wrapped_by) select e.subject_id, e.subject_key, sqlc.arg(wrapped_by)::text from entry e
), profile as (
  insert into registrar.profiles (subject_id, sealed, oldest, newest) select e.subject_id, e.profile, sqlc.arg(oldest)::int, sqlc.arg(newest)::int from entry e
), search as (
  insert into registrar.unsearched (subject_id) select e.subject_id from entry e
), item as (
  insert into registrar.items (item_id, subject_id, act_id, kind, sealed)
  select i.item_id, e.subject_id, e.act_id, i.kind, i.sealed
    from (select unnest(sqlc.arg(item_ids)::text[])::uuid as item_id, unnest(sqlc.arg(item_subjects)::text[])::uuid as subject_id,
                 unnest(sqlc.arg(item_kinds)::text[]) as kind, unnest(sqlc.arg(item_contents)::bytea[]) as sealed) i
    join entry e on e.subject_id = i.subject_id
), token as (
  insert into registrar.tokens (token, subject_id)
  select t.token, t.subject_id
    from (select unnest(sqlc.arg(tokens)::bigint[]) as token, unnest(sqlc.arg(token_subjects)::text[])::uuid as subject_id) t
  on conflict do nothing
), identifier as (
  insert into registrar.identifiers (token, token_b, item_id, oldest, newest)
  select nullif(n.token, ''::bytea), nullif(n.token_b, ''::bytea), n.item_id, sqlc.arg(oldest)::int, sqlc.arg(newest)::int
    from (select unnest(sqlc.arg(odd)::bytea[]) as token, unnest(sqlc.arg(even)::bytea[]) as token_b,
                 unnest(sqlc.arg(identifier_items)::text[])::uuid as item_id) n
), refused as (
  insert into registrar.import_lines (import_id, line, pointer, detail)
  select sqlc.arg(import_id)::uuid, l.line, l.pointer, l.detail
    from (select unnest(sqlc.arg(refused_lines)::integer[]) as line, unnest(sqlc.arg(pointers)::text[]) as pointer,
                 unnest(sqlc.arg(details)::text[]) as detail) l
)
insert into registrar.import_lines (import_id, line, act_id) select sqlc.arg(import_id)::uuid, e.line, e.act_id from entry e;

-- Those who enter under one approval finish one after the other, so that each
-- counts what the others entered. Take it last: it is held to the commit.
-- name: LockApproval :exec
select pg_advisory_xact_lock(hashtextextended(sqlc.arg(approval_id)::uuid::text, 1));

-- A part that is dealt with, unless more people would then have been entered than
-- the approval covers, or it is recorded already.
-- name: InsertImportPart :execrows
insert into registrar.import_parts (import_id, first_line, last_line, entered, refused)
select sqlc.arg(import_id), sqlc.arg(first_line), sqlc.arg(last_line), sqlc.arg(entered), sqlc.arg(refused)
  from registrar.import_approvals a
 where a.approval_id = sqlc.arg(approval_id)
   and a.people >= sqlc.arg(entered)::integer + (
         select coalesce(sum(p.entered), 0)
           from registrar.import_parts p join registrar.imports i on i.import_id = p.import_id
          where i.approval_id = a.approval_id);

-- name: FindImportPart :one
select last_line from registrar.import_parts where import_id = sqlc.arg(import_id) and first_line = sqlc.arg(first_line);
