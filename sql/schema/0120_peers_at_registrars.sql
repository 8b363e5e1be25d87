-- +goose Up
-- What a registrar verifies another hub's practitioner by: the keys that the hub is known by, and what
-- the two hubs' governance officers have agreed.
create or replace view federation.admitting as
  select a.hub, a.registrar, a.known_as, a.jwks, a.minutes, p.keys, p.document
    from federation.admitted_elsewhere a
    join federation.peers_in_force p on p.entity_id = a.hub
   where p.ours in ('confirm', 'readmit') and p.theirs = 'see-confirmed';

-- +goose Down
drop view federation.admitting;
create view federation.admitting as
  select a.hub, a.registrar, a.known_as, a.jwks, a.minutes
    from federation.admitted_elsewhere a
    join federation.peers_in_force p on p.entity_id = a.hub
   where p.ours in ('confirm', 'readmit') and p.theirs = 'see-confirmed';
