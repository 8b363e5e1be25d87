-- +goose Up
-- Whom an act entered: the other person of an entry that was two people's (REG-10).
create index subjects_by_act on registrar.subjects (act_id);

-- +goose Down
drop index registrar.subjects_by_act;
