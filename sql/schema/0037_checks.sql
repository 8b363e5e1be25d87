-- +goose Up
-- Checks of an item against a register of somebody else's, such as that of births.
insert into registrar.act_kinds values ('check-item', false), ('fail-checks', false);

create table registrar.checks (
  check_id  uuid primary key,
  act_id    uuid not null references registrar.acts,
  item_id   uuid not null references registrar.items,
  against   governance.code not null,
  outcome   text not null,
  -- An HMAC of the entry there that confirmed it: all that rested on one entry are
  -- found together.
  rested_on bytea,
  constraint check_outcome_is_known check (outcome in ('confirmed', 'not-confirmed')),
  constraint confirmed_by_an_entry check ((outcome = 'confirmed') = (rested_on is not null))
);
create index checks_by_item on registrar.checks (item_id);
create index checks_by_what_they_rested_on on registrar.checks (against, rested_on);

-- Checks that turned out to be wrong (REG-17): what relied on one is to be verified again.
create table registrar.failed_checks (
  check_id uuid primary key references registrar.checks,
  act_id   uuid not null references registrar.acts deferrable initially deferred
);

-- +goose Down
drop table registrar.failed_checks, registrar.checks;
delete from registrar.act_kinds where kind in ('check-item', 'fail-checks');
