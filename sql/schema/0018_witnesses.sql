-- +goose Up
-- Witnesses (C2SP tlog-witness): what this hub has cosigned of peers' logs, who
-- has cosigned its own, and every sight of a log that tells two stories.

-- The latest checkpoint cosigned of each peer's log. It never goes back, and of
-- one size it knows one root.
create table ledger.witnessed (
  origin text primary key,
  size   bigint not null,
  root   bytea not null,
  note   text not null,
  constraint witnessed_size_counts check (size >= 0),
  constraint witnessed_root_is_sha256 check (octet_length(root) = 32)
);

-- +goose StatementBegin
create function ledger.witnessed_only_grows() returns trigger language plpgsql as $$
begin
  if new.origin <> old.origin or new.size < old.size or new.size = old.size and new.root <> old.root then
    raise exception using errcode = 'check_violation', constraint = 'witnessed_only_grows', message = 'a witness never goes back';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger witnessed_only_grows before update on ledger.witnessed for each row execute function ledger.witnessed_only_grows();

-- The signature line of each witness on a checkpoint of this hub's log.
create table ledger.cosignatures (
  number  bigint not null references ledger.checkpoints,
  witness text not null, -- the name of its key
  line    text not null,
  primary key (number, witness)
);

-- A signed checkpoint that does not fit one that was signed before, kept as
-- evidence, once.
create table ledger.split_views (
  origin text not null,
  size   bigint not null,
  root   bytea not null,
  note   text not null, -- the one that does not fit
  held   text not null, -- the one that it does not fit
  act_id uuid not null references governance.acts,
  primary key (origin, size, root)
);

alter table governance.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in (
    'initialise', 'apply', 'register-practitioner', 'end-practitioner', 'sign-in', 'split-view'));

-- +goose Down
drop table ledger.split_views, ledger.cosignatures, ledger.witnessed;
drop function ledger.witnessed_only_grows;
