-- +goose Up
-- A registrar whose process or site is down is stood in for by another, which the
-- partnership document lists: from this act until its end.
insert into registrar.act_kinds values ('cover', false);

create table registrar.covers (
  act_id      uuid primary key references registrar.acts,
  register_id governance.code not null references registrar.registers,
  stand_in    governance.code not null,
  ends_at     timestamptz not null
);
create index covers_by_register on registrar.covers (register_id, ends_at);

-- +goose Down
drop table registrar.covers;
delete from registrar.act_kinds where kind = 'cover';
