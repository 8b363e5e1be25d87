-- A peer as it stands, by its address.
-- name: FindPeer :one
select peer_id, entity_id, ordinal, act_id, ours, since, theirs, their_agreement, agreement, keys, document
  from federation.peers_in_force where entity_id = sqlc.arg(entity_id);

-- name: FindPeerByID :one
select peer_id, entity_id, ordinal, act_id, ours, since, theirs, their_agreement, agreement, keys, document
  from federation.peers_in_force where peer_id = sqlc.arg(peer_id);

-- Every peer, in the order of their addresses, which tells nothing of rank (FED-04).
-- name: ListPeers :many
select peer_id, entity_id, ordinal, act_id, ours, since, theirs, their_agreement, agreement, keys, document
  from federation.peers_in_force order by entity_id;

-- name: AppendPeer :exec
insert into federation.peers (act_id, peer_id, entity_id, ordinal, step, agreement, keys)
values (sqlc.arg(act_id), sqlc.arg(peer_id), sqlc.arg(entity_id), sqlc.arg(ordinal), sqlc.arg(step), sqlc.narg(agreement), sqlc.narg(keys));

-- name: KeepAgreement :exec
insert into federation.agreements (digest, document) values (sqlc.arg(digest), sqlc.arg(document)) on conflict (digest) do nothing;

-- name: FindAgreement :one
select document from federation.agreements where digest = sqlc.arg(digest);
