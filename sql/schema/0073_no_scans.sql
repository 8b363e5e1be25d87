-- +goose Up
-- What was read by looking through a whole table (docs/decisions/0073): who a
-- person was moved from, and the refusals that have been kept long enough.
create index moves_by_handle on relmgr.moves (handle_id);
create index acts_refused on relmgr.acts (at) where kind = 'refuse';

-- +goose Down
drop index relmgr.acts_refused, relmgr.moves_by_handle;
