-- +goose Up
-- An approval may cover correlations instead of publications: null, as all of
-- before, is for publications (ACT-04).
alter table relmgr.approvals add column deed text,
  add constraint approval_deed_is_known check (deed = 'correlate');

-- Why a line correlated nothing: what it says, or a pairing that cannot be used.
alter table relmgr.import_lines drop constraint line_refusal_is_known, add constraint line_refusal_is_known check (refused in (
  'column', 'identifier', 'role', 'transactions', 'contact', 'consents', 'wishes', 'published', 'pairing', 'statement', 'unusable'));

-- +goose Down
alter table relmgr.import_lines drop constraint line_refusal_is_known, add constraint line_refusal_is_known check (refused in (
  'column', 'identifier', 'role', 'transactions', 'contact', 'consents', 'wishes', 'published'));
alter table relmgr.approvals drop column deed;
