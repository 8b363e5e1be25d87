-- +goose Up
-- The key that wraps the keys of contents has epochs, as agencies' keys do; the
-- first without a row. What it wrapped says by which epoch (internal/seal).
create table relmgr.record_epochs (
  epoch    integer primary key,
  begun_at timestamptz not null,
  constraint record_epoch_follows_the_first check (epoch >= 2)
);

-- +goose Down
drop table relmgr.record_epochs;
