-- +goose Up
-- When the other hub is told next, and since when it refuses to be: what it refuses is not
-- sent for ever (TRU-10). A letter that is sent no more is due at infinity.
alter table federation.dispute_letters
  add column next_at timestamptz not null default '-infinity',
  add column refused_at timestamptz;
create index dispute_letters_by_time on federation.dispute_letters (next_at);
-- How many a hub has open.
create index disputes_by_hub on federation.disputes (hub, filed);

-- +goose Down
drop index federation.disputes_by_hub;
alter table federation.dispute_letters drop column next_at, drop column refused_at;
