-- +goose Up
-- Whose word is not taken while the register of registrars has it suspended (FED-18): what
-- federation publishes for the relationship manager.
create view federation.suspended_registrars as
  select registrar from federation.registrars_in_force where state = 'suspend-registrar';

-- +goose Down
drop view federation.suspended_registrars;
