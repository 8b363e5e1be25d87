-- +goose Up
-- A schema for each duty. Who may reach what stands in sql/roles.sql.
create schema registrar;
create schema relmgr;
create schema idmgr;
create schema consent;
create schema federation;
create schema governance;

-- The ledger's inbox. Each duty puts the salted commitment of every act and
-- enquiry here in the transaction that makes it, and may not look: only
-- governance's sequencer takes them out, in an order that tells nothing
-- (design.md section 9).
create schema ledger;

create table ledger.pending (
  commitment bytea primary key,
  constraint commitment_is_sha256 check (octet_length(commitment) = 32)
);

-- The closed codes that partnerships declare, and the fixed ones of the model.
create domain governance.code as text
  constraint code_is_short_and_plain check (value ~ '^[a-z0-9][a-z0-9-]{0,62}$');

-- +goose Down
drop domain governance.code;
drop schema ledger cascade;
drop schema governance, federation, consent, idmgr, relmgr, registrar cascade;
