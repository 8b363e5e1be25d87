-- +goose Up
-- How whoever recorded a consent made sure that the person understood (PUB-11).
alter table consent.consents
  add column understanding text,
  add constraint understanding_is_known check (understanding in ('told-back', 'questions-answered', 'interpreter', 'advocate'));

-- +goose Down
alter table consent.consents drop column understanding;
