-- name: RecordApproval :exec
insert into relmgr.approvals (approval_id, deed, columns, mode, reason, relationships, ends_at, proposal)
values (@approval_id, nullif(sqlc.arg(deed)::text, ''), sqlc.arg(columns)::text[], @mode, @reason, @relationships, @ends_at, @proposal);

-- name: FindApproval :one
-- An approval of the agency, by its reference.
select p.approval_id, a.practitioner_id, coalesce(p.deed, '')::text as deed, p.columns, p.ends_at
  from relmgr.act_references r
  join relmgr.acts a on a.act_id = r.act_id
  join relmgr.approvals p on p.approval_id = a.act_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id;

-- name: OpenImport :one
-- The import of a file under an approval. It is made once; of two who race both
-- get it.
with made as (
  insert into relmgr.imports (import_id, approval_id, file_hash) values (@import_id, @approval_id, @file_hash)
  on conflict (approval_id, file_hash) do nothing
  returning import_id
)
select import_id from made
union all
select i.import_id from relmgr.imports i where i.approval_id = @approval_id and i.file_hash = @file_hash
 limit 1;

-- name: FindImport :one
-- An import of the agency, with its approval.
select p.approval_id, a.practitioner_id, coalesce(p.deed, '')::text as deed, p.columns, p.mode, p.reason, p.relationships, p.ends_at, p.proposal
  from relmgr.imports i
  join relmgr.approvals p on p.approval_id = i.approval_id
  join relmgr.acts a on a.act_id = p.approval_id
 where i.import_id = @import_id and a.agency_id = @agency_id;

-- name: ShowImport :one
-- How far an import has come: its parts may have arrived in any order, so next
-- is behind the first of them that no other continues.
with parts as (
  select p.first_line, p.last_line, p.published, p.refused from relmgr.import_parts p where p.import_id = @import_id
)
select coalesce(sum(p.published), 0)::integer as published, coalesce(sum(p.refused), 0)::integer as refused,
       (case when not exists (select from parts s where s.first_line = 1) then 1
             else (select min(e.last_line) + 1 from parts e
                    where not exists (select from parts n where n.first_line = e.last_line + 1)) end)::integer as next
  from parts p;

-- name: ListImportLines :many
-- What came of lines that were dealt with before, in one agency's references.
select l.line, coalesce(l.refused, '')::text as refused, r.reference_id, a.commitment
  from relmgr.import_lines l
  left join relmgr.acts a on a.act_id = l.act_id
  left join relmgr.act_references r on r.act_id = l.act_id and r.agency_id = @agency_id
 where l.import_id = @import_id and l.line between sqlc.arg(first) and sqlc.arg(last)
 order by l.line;

-- name: ListImportRefusals :many
select l.line, l.refused::text as refused from relmgr.import_lines l
 where l.import_id = @import_id and l.line > sqlc.arg(after) and l.refused is not null
 order by l.line
 limit @page_size;

-- name: FindHandles :many
-- The handles of many identifiers that have one, whether each is published, and
-- whether the person has refused. A token of any epoch finds its handle, and one
-- that is missed for want of a newer token is not made anew: a trigger refuses
-- it. They are locked, so that none moves to another column
-- before it is published. They are found before they are joined: told the column again,
-- the planner would join every identifier asked for with all of the column's.
with t as materialized (
  select a.place, a.column_id, a.token, a.token_b, f.handle_id
    from (select unnest(sqlc.arg(places)::integer[]) as place, unnest(sqlc.arg(column_ids)::text[]) as column_id,
                 unnest(sqlc.arg(tokens)::bytea[]) as token, unnest(sqlc.arg(tokens_b)::bytea[]) as token_b) a
    cross join lateral (
      select o.handle_id from relmgr.handles o where o.column_id = a.column_id and o.token = a.token
      union
      select e.handle_id from relmgr.handles e where e.column_id = a.column_id and e.token_b = a.token_b
    ) f
)
select t.place::integer as place, h.handle_id, (c.handle_id is not null)::boolean as published,
       exists (select from consent.published_refusals r where r.handle_id = h.handle_id) as refused
  from t
  join relmgr.handles h on h.handle_id = t.handle_id and h.column_id = t.column_id and (h.token = t.token or h.token_b = t.token_b)
  left join relmgr.cells c on c.handle_id = h.handle_id
 order by h.handle_id
   for no key update of h;

-- name: RecordImport :exec
-- Many publications, with everything that each leaves: its handle where the
-- identifier had none, its act, the key of its content, its commitment, its
-- decision, the reference under which its agency knows it, its cell and offers;
-- and what came of each line. One statement: all are stored or none is.
-- A handle that another made in the meantime breaks the reference to it, and a
-- cell or a line that another placed breaks its primary key: read again.
with entry as (
  select unnest(sqlc.arg(act_ids)::text[])::uuid as act_id, unnest(sqlc.arg(contents)::bytea[]) as sealed,
         unnest(sqlc.arg(wrapped_keys)::bytea[]) as wrapped_key, unnest(sqlc.arg(commitments)::bytea[]) as commitment,
         unnest(sqlc.arg(references_)::text[])::uuid as reference_id, unnest(sqlc.arg(decision_ids)::text[])::uuid as decision_id,
         unnest(sqlc.arg(handle_ids)::text[])::uuid as handle_id, unnest(sqlc.arg(column_ids)::text[]) as column_id,
         unnest(sqlc.arg(provider_roles)::text[]) as provider_role, unnest(sqlc.arg(lines)::integer[]) as line,
         unnest(sqlc.arg(purposes)::text[])::text[] as purposes, unnest(sqlc.arg(aspects)::text[])::text[] as aspects,
         unnest(sqlc.arg(audience_kinds)::text[]) as audience_kind, unnest(sqlc.arg(audiences)::text[])::text[] as audience,
         unnest(sqlc.arg(untils)::timestamptz[]) as until, unnest(sqlc.arg(reviews)::timestamptz[]) as review_at
), handle as (
  insert into relmgr.handles (handle_id, column_id, token, token_b, token_epoch, sealed, wrapped_key, wrapped_by, row_id)
  select n.handle_id, n.column_id, nullif(n.token, ''), nullif(n.token_b, ''), n.token_epoch, n.sealed, n.wrapped_key, n.wrapped_by, n.row_id
    from (select unnest(sqlc.arg(new_handles)::text[])::uuid as handle_id, unnest(sqlc.arg(new_columns)::text[]) as column_id,
                 unnest(sqlc.arg(new_tokens)::bytea[]) as token, unnest(sqlc.arg(new_contents)::bytea[]) as sealed,
                 unnest(sqlc.arg(new_wrapped_keys)::bytea[]) as wrapped_key, unnest(sqlc.arg(new_wrapped_by)::text[]) as wrapped_by,
                 unnest(sqlc.arg(new_tokens_b)::bytea[]) as token_b, unnest(sqlc.arg(new_token_epochs)::integer[]) as token_epoch,
                 unnest(sqlc.arg(new_rows)::text[])::uuid as row_id) n
  on conflict do nothing
), key as (
  insert into relmgr.content_keys (record_id, wrapped) select e.act_id, e.wrapped_key from entry e
), leaf as (
  insert into ledger.pending (commitment) select e.commitment from entry e
), act as (
  insert into relmgr.acts (act_id, kind, at, practitioner_id, agency_id, role, mode, reason, agreement, ground,
                           provider_role, terms_version, commitment, sealed, approval_id)
  select e.act_id, @kind, @at, @practitioner_id, @agency_id, @role, @mode, @reason, @agreement, @ground,
         e.provider_role, @terms_version, e.commitment, e.sealed, @approval_id
    from entry e
), about as (
  insert into relmgr.act_handles (act_id, handle_id) select e.act_id, e.handle_id from entry e
), decision as (
  insert into relmgr.decisions (decision_id, act_id, handle_id, practitioner_id, agency_id, outcome, steps, agreement, power,
                                ground, purposes, aspects, audience_kind, audience, until, terms_version, profile,
                                mode, aim, review_at, ordinary, sensitive, detriment)
  select e.decision_id, e.act_id, e.handle_id, @practitioner_id, @agency_id, 'permitted', @steps, @agreement, @power,
         @ground, e.purposes, e.aspects, e.audience_kind, e.audience, e.until, @terms_version, @profile,
         @mode, @aim, e.review_at, @ordinary, nullif(sqlc.arg(sensitive)::text, ''), nullif(sqlc.arg(detriment)::text, '')
    from entry e
), resting as (
  insert into relmgr.decision_consents (decision_id, consent_id)
  select c.decision_id, c.consent_id
    from (select unnest(sqlc.arg(resting_decisions)::text[])::uuid as decision_id, unnest(sqlc.arg(resting_consents)::text[])::uuid as consent_id) c
), shown as (
  insert into relmgr.act_references (reference_id, act_id, agency_id) select e.reference_id, e.act_id, @agency_id from entry e
), telling as (
  insert into relmgr.tellings (act_id, tells_of, handle_id, agency_id, at, told)
  select e.act_id, e.act_id, e.handle_id, @agency_id, @at, true from entry e where sqlc.arg(told)::boolean
), cell as (
  insert into relmgr.cells (handle_id, act_id, decision_id, column_id, role)
  select e.handle_id, e.act_id, e.decision_id, e.column_id, e.provider_role from entry e
), offer as (
  insert into relmgr.offers (act_id, ordinal, kind, transactions, contact)
  select o.act_id, o.ordinal, o.kind, o.transactions, o.contact
    from (select unnest(sqlc.arg(offer_acts)::text[])::uuid as act_id, unnest(sqlc.arg(offer_ordinals)::smallint[]) as ordinal,
                 unnest(sqlc.arg(offer_kinds)::text[]) as kind, unnest(sqlc.arg(offer_transactions)::text[])::text[] as transactions,
                 unnest(sqlc.arg(offer_contacts)::text[]) as contact) o
), refused as (
  insert into relmgr.import_lines (import_id, line, refused)
  select @import_id, l.line, l.refused
    from (select unnest(sqlc.arg(refused_lines)::integer[]) as line, unnest(sqlc.arg(refused_why)::text[]) as refused) l
)
insert into relmgr.import_lines (import_id, line, act_id) select @import_id, e.line, e.act_id from entry e;

-- name: LockApproval :exec
-- Those who publish under one approval finish one after the other, so that each
-- counts what the others published. Take it last: it is held to the commit.
select pg_advisory_xact_lock(hashtextextended(sqlc.arg(approval_id)::uuid::text, 0));

-- name: FindImportPart :one
select last_line from relmgr.import_parts where import_id = @import_id and first_line = @first_line;

-- name: RecordImportPart :execrows
-- A part that is dealt with, unless more would then have been published than the
-- approval covers. Of correlations those that came to nothing count as well, so
-- that nobody guesses codes in bulk.
insert into relmgr.import_parts (import_id, first_line, last_line, published, refused)
select @import_id, @first_line, @last_line, sqlc.arg(published), sqlc.arg(refused)
  from relmgr.approvals a
 where a.approval_id = @approval_id
   and a.relationships >= sqlc.arg(published)::integer + case a.deed when 'correlate' then sqlc.arg(refused)::integer else 0 end + (
         select coalesce(sum(p.published + case a.deed when 'correlate' then p.refused else 0 end), 0)
           from relmgr.import_parts p join relmgr.imports i on i.import_id = p.import_id
          where i.approval_id = a.approval_id);

-- name: RecordImportLine :execrows
-- What came of a line that is stored by itself.
insert into relmgr.import_lines (import_id, line, act_id, refused)
values (@import_id, @line, nullif(sqlc.arg(act_id)::uuid, '00000000-0000-0000-0000-000000000000'), nullif(sqlc.arg(refused)::text, ''))
on conflict do nothing;

-- name: PassLines :exec
-- Lines that hold nothing, between those that are stored by themselves.
insert into relmgr.import_parts (import_id, first_line, last_line, published, refused)
select @import_id, unnest(sqlc.arg(firsts)::integer[]), unnest(sqlc.arg(lasts)::integer[]), 0, 0
on conflict do nothing;

-- name: ListApprovers :many
-- Who approved the imports that made these acts, and their agency's reference of
-- the approval.
select a.act_id, p.practitioner_id, r.reference_id
  from relmgr.acts a
  join relmgr.acts p on p.act_id = a.approval_id
  join relmgr.act_references r on r.act_id = a.approval_id and r.agency_id = @agency_id
 where a.act_id = any(sqlc.arg(act_ids)::text[]::uuid[]);
