-- name: PlaceCell :exec
-- Publishes a handle: the projection of a publishing act. A second live cell of
-- a handle breaks the primary key. The column is the handle's own of now: it
-- may have moved since it was looked up.
insert into relmgr.cells (handle_id, act_id, decision_id, column_id, role)
select h.handle_id, @act_id, @decision_id, h.column_id, @role from relmgr.handles h where h.handle_id = @handle_id;

-- name: RecordOffer :exec
insert into relmgr.offers (act_id, ordinal, kind, transactions, contact)
values (@act_id, @ordinal, @kind, sqlc.arg(transactions)::text[], @contact);

-- name: ListCorrelationsAmong :many
-- The correlations of a set of handles: rows are locked, so both ends are in it.
select act_id, handle_a, handle_b from relmgr.correlations
 where handle_a = any(sqlc.arg(handle_ids)::text[]::uuid[])
 order by act_id;

-- name: OpenPairing :exec
insert into relmgr.pairings (pairing_id, act_id, code_hash, reference_hash, handle_id, decision_id, agency_id, ends_at)
values (@pairing_id, @act_id, @code_hash, @reference_hash, @handle_id, @decision_id, @agency_id, @ends_at);

-- name: FindPairing :one
-- The pairing of a code that can still be used.
select p.pairing_id, p.act_id, p.handle_id, p.decision_id, p.agency_id, d.agreement
  from relmgr.pairings p join relmgr.decisions d on d.decision_id = p.decision_id
 where p.code_hash = @code_hash and p.ends_at > sqlc.arg(now)
   and exists (select from relmgr.handles h where h.handle_id = p.handle_id and h.wrapped_by <> '')
   and not exists (select from relmgr.pairings_used u where u.pairing_id = p.pairing_id);

-- name: FindStated :many
-- The pairings of a statement's two references that can still be used.
select p.pairing_id, p.act_id, p.handle_id, p.agency_id, d.agreement, h.column_id
  from relmgr.pairings p
  join relmgr.decisions d on d.decision_id = p.decision_id
  join relmgr.handles h on h.handle_id = p.handle_id
 where p.reference_hash in (@reference_a, @reference_b) and p.ends_at > sqlc.arg(now) and h.wrapped_by <> ''
   and not exists (select from relmgr.pairings_used u where u.pairing_id = p.pairing_id)
 order by p.pairing_id;

-- name: UsePairing :exec
-- Succeeds once: the second user breaks the primary key.
insert into relmgr.pairings_used (pairing_id, act_id, own) values (@pairing_id, @act_id, @own);

-- name: RecordStatement :exec
-- Succeeds once for each id of a registrar.
insert into relmgr.statements (act_id, registrar, statement_id, level, types)
values (@act_id, @registrar, @statement_id, @level, sqlc.arg(types)::text[]);

-- name: ListConsents :many
-- What consent publishes of the consents that a decision names.
select consent_id, handle_id, explicit, audience_kind, audience, purposes, aspects, starts_at, ends_at, withdrawn_at
  from consent.published_consents
 where consent_id = any(sqlc.arg(consent_ids)::text[]::uuid[])
 order by consent_id;

-- name: FindWishes :one
-- What the person behind one's own handle has said: their last word was no, or
-- the handle is hidden from everybody without exception.
select exists (select from consent.published_refusals r where r.handle_id = sqlc.arg(handle_id)::uuid) as refused,
       exists (select from consent.published_blocks b
                where b.handle_id = sqlc.arg(handle_id)::uuid and b.ended_at is null and b.reach = 'creator-only') as creator_only;

-- name: FindEnds :one
-- The two handles that a correlating act joins, placed or not.
select d.handle_id as handle_a, p.handle_id as handle_b
  from relmgr.decisions d
  join relmgr.pairings_used u on u.act_id = d.act_id and not u.own
  join relmgr.pairings p on p.pairing_id = u.pairing_id
 where d.act_id = @act_id;

-- name: ListKeepAparts :many
select act_id, handle_a, handle_b from relmgr.keep_aparts
 where handle_a = any(sqlc.arg(handle_ids)::text[]::uuid[])
 order by act_id;

-- name: ListCorrelatingActs :many
-- The acts that correlate one handle, whatever they came to.
select a.act_id from relmgr.act_handles ah join relmgr.acts a on a.act_id = ah.act_id
 where ah.handle_id = @handle_id and a.kind = 'correlate'
 order by a.act_id;

-- name: ListReferences :many
-- One agency's references of acts.
select act_id, reference_id from relmgr.act_references
 where act_id = any(sqlc.arg(act_ids)::text[]::uuid[]) and agency_id = @agency_id
 order by act_id;

-- name: TakeOut :exec
-- Removes from the projection what these acts put into it. One statement
-- whatever that is, none included, so that nobody can tell from the work what an
-- act came to.
with cells as (
  delete from relmgr.cells where act_id = any(sqlc.arg(act_ids)::text[]::uuid[])
), correlations as (
  delete from relmgr.correlations where act_id = any(sqlc.arg(act_ids)::text[]::uuid[])
), keep_aparts as (
  delete from relmgr.keep_aparts where act_id = any(sqlc.arg(act_ids)::text[]::uuid[])
), attachments as (
  update relmgr.attachments set live = false where act_id = any(sqlc.arg(act_ids)::text[]::uuid[])
), ties as (
  update relmgr.ties set live = false, code_hash = null where act_id = any(sqlc.arg(act_ids)::text[]::uuid[])
)
delete from relmgr.disputes where act_id = any(sqlc.arg(act_ids)::text[]::uuid[]);

-- name: PutIn :exec
-- Puts into the projection what these acts came to: the cells of publishing
-- acts that were restored, correlations with the decisions of both sides,
-- keep-aparts, disputes, and anchors that are attached again. One statement whatever that is, none included.
with cells as (
  insert into relmgr.cells (handle_id, act_id, decision_id, column_id, role)
  select d.handle_id, d.act_id, d.decision_id, h.column_id, a.provider_role
    from relmgr.acts a
    join relmgr.decisions d on d.act_id = a.act_id
    join relmgr.handles h on h.handle_id = d.handle_id
   where a.act_id = any(sqlc.arg(publications)::text[]::uuid[])
), correlations as (
  insert into relmgr.correlations (act_id, handle_a, handle_b, decision_a, decision_b)
  select d.act_id, d.handle_id, p.handle_id, d.decision_id, p.decision_id
    from relmgr.decisions d
    join relmgr.pairings_used u on u.act_id = d.act_id and not u.own
    join relmgr.pairings p on p.pairing_id = u.pairing_id
   where d.act_id = any(sqlc.arg(correlations)::text[]::uuid[])
), keep_aparts as (
  insert into relmgr.keep_aparts (act_id, handle_a, handle_b)
  select k.act_id, k.handle_a, k.handle_b
    from (select unnest(sqlc.arg(apart_acts)::text[])::uuid as act_id, unnest(sqlc.arg(apart_a)::text[])::uuid as handle_a,
                 unnest(sqlc.arg(apart_b)::text[])::uuid as handle_b) k
), attachments as (
  update relmgr.attachments set live = true where act_id = any(sqlc.arg(attachments)::text[]::uuid[])
)
insert into relmgr.disputes (act_id, handle_id)
select x.act_id, x.handle_id
  from (select unnest(sqlc.arg(disputes)::text[])::uuid as act_id, unnest(sqlc.arg(disputed)::text[])::uuid as handle_id) x;

-- name: FindWanted :one
-- A refusal that already has consent ask a person for the same.
select d.decision_id
  from relmgr.decisions d join relmgr.acts a on a.act_id = d.act_id
 where d.outcome = 'refused' and d.stopped_at = 3 and d.handle_id = @handle_id and d.ground = @ground
   and d.audience_kind = @audience_kind and d.audience = sqlc.arg(audience)::text[] and d.purposes = sqlc.arg(purposes)::text[]
   and d.aspects = sqlc.arg(aspects)::text[] and a.at > sqlc.arg(since)::timestamptz
 order by a.at desc
 limit 1;
