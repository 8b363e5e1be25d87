-- +goose Up
-- The register of registrars: which registrar answers for an identifier space, how well
-- it does and since when, as its acts have it. Registrars, not people (FED-08, FED-09).
alter table federation.acts drop constraint act_kind_is_known;
alter table federation.acts add constraint act_kind_is_known check (kind in (
  'invite', 'confirm', 'see-confirmed', 'see-ended', 'renew-keys', 'suspend', 'readmit', 'leave',
  'admit-registrar', 'publish-quality', 'flag-registrar', 'suspend-registrar', 'readmit-registrar', 'remove-registrar'));

-- What became of each entry, act by act. Two who act at once cannot both be next.
create table federation.registrars (
  act_id    uuid primary key references federation.acts,
  registrar governance.code not null,
  ordinal   int not null,
  step      text not null,
  terms     text, -- of an admission, canonical JSON: the usage feed and the floor
  quality   text, -- as the registrar's keeper published it, canonical JSON
  unique (registrar, ordinal),
  constraint steps_count_from_one check (ordinal >= 1),
  constraint step_is_known check (step in ('admit-registrar', 'publish-quality', 'flag-registrar', 'suspend-registrar', 'readmit-registrar', 'remove-registrar')),
  constraint admission_begins check (step = 'admit-registrar' or ordinal > 1),
  constraint admission_names_its_terms check ((step = 'admit-registrar') = (terms is not null)),
  constraint quality_is_published check ((step = 'publish-quality') = (quality is not null))
);
create unique index one_entry_per_registrar on federation.registrars (registrar) where ordinal = 1;

-- Each entry as it stands, those that are suspended and removed too (FED-18).
create view federation.registrars_in_force as
select m.registrar, l.ordinal, s.step as state, s.at as since, a.terms as terms, a.at as admitted, q.quality
  from federation.registrars m
  join lateral (select r.ordinal from federation.registrars r where r.registrar = m.registrar order by r.ordinal desc limit 1) l on true
  join lateral (select r.step, x.at from federation.registrars r join federation.acts x on x.act_id = r.act_id
                 where r.registrar = m.registrar and r.step <> 'publish-quality' order by r.ordinal desc limit 1) s on true
  join lateral (select coalesce(r.terms, '') as terms, x.at from federation.registrars r join federation.acts x on x.act_id = r.act_id
                 where r.registrar = m.registrar and r.step = 'admit-registrar' order by r.ordinal desc limit 1) a on true
  left join lateral (select r.quality from federation.registrars r where r.registrar = m.registrar and r.step = 'publish-quality' order by r.ordinal desc limit 1) q on true
 where m.ordinal = 1;

-- +goose Down
drop view federation.registrars_in_force;
drop table federation.registrars;
alter table federation.acts drop constraint act_kind_is_known;
alter table federation.acts add constraint act_kind_is_known check (kind in (
  'invite', 'confirm', 'see-confirmed', 'see-ended', 'renew-keys', 'suspend', 'readmit', 'leave'));
