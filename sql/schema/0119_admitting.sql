-- +goose Up
-- Which other hubs take the word of a registrar of this one, as each has stated it: under which
-- code, for how long, and to whom there what it says of a person is encrypted (FED-08, SUB-09).
create table federation.admitted_elsewhere (
  hub       text not null,
  registrar governance.code not null, -- as this partnership calls it,
  known_as  governance.code not null, -- and as that hub does
  jwks      text not null,
  minutes   integer not null,
  primary key (hub, registrar),
  constraint hub_is_an_address check (hub ~ '^https?://[!-~]+$' and length(hub) <= 255),
  constraint jwks_is_bounded check (length(jwks) between 1 and 8192),
  constraint minutes_are_some check (minutes between 1 and 60)
);

-- Those of them that are peers in force: what federation publishes for the registrars.
create view federation.admitting as
  select a.hub, a.registrar, a.known_as, a.jwks, a.minutes
    from federation.admitted_elsewhere a
    join federation.peers_in_force p on p.entity_id = a.hub
   where p.ours in ('confirm', 'readmit') and p.theirs = 'see-confirmed';

-- +goose Down
drop view federation.admitting;
drop table federation.admitted_elsewhere;
