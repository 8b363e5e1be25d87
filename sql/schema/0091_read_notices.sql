-- +goose Up
-- What a notice that was read has told already is not told again.
create index read_notices_by_handle on relmgr.notices (handle_id, read_at) where read_at is not null;

-- +goose Down
drop index relmgr.read_notices_by_handle;
