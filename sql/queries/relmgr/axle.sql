-- name: RecordFromPeer :exec
-- Another hub's enquiry, as RecordEnquiries records those of this one: in one statement,
-- the same whatever was found, with its one-use id. Of an id that was used before
-- nothing is stored: the primary key breaks; the record of that refusal has none.
with key as (
  insert into relmgr.content_keys (record_id, wrapped) values (sqlc.arg(enquiry_id)::uuid, sqlc.arg(wrapped_key))
), leaf as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
), request as (
  insert into relmgr.peer_requests (request_hash, enquiry_id)
  select sqlc.arg(request_hash)::bytea, sqlc.arg(enquiry_id)::uuid where sqlc.arg(peer_outcome)::text <> 'used-before'
), review as (
  insert into relmgr.reviews (enquiry_id, agency_id, opened_at, due_at)
  select sqlc.arg(enquiry_id)::uuid, sqlc.arg(reviewed_by)::text, sqlc.arg(at)::timestamptz, sqlc.arg(review_due)::timestamptz
   where sqlc.arg(emergency)::boolean and sqlc.arg(peer_outcome)::text in ('answered', 'looked-up')
), told as (
  insert into relmgr.disclosures (enquiry_id, handle_id, decision_id)
  select sqlc.arg(enquiry_id)::uuid, unnest(sqlc.arg(told_handles)::text[])::uuid, unnest(sqlc.arg(told_decisions)::text[])::uuid
)
insert into relmgr.enquiries (enquiry_id, at, practitioner_id, agency_id, role, purpose, reason, concerning, transaction, emergency,
                              stopped_at, peer, peer_outcome, terms_version, commitment, sealed)
values (@enquiry_id, @at, @practitioner_id, @agency_id, @role, @purpose, @reason, @concerning, nullif(sqlc.arg(transaction)::text, ''),
        sqlc.arg(emergency)::boolean, sqlc.arg(stopped_at), sqlc.arg(peer)::text, sqlc.arg(peer_outcome)::text, @terms_version, @commitment, @sealed);
