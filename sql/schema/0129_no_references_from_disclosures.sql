-- +goose Up
-- The one statement that stores what was disclosed stores its enquiry
-- (docs/decisions/0023): a check of each, by a statement of its own, is a sixth of an append.
alter table relmgr.disclosures drop constraint disclosures_enquiry_id_fkey;

-- +goose Down
alter table relmgr.disclosures add constraint disclosures_enquiry_id_fkey
  foreign key (enquiry_id) references relmgr.enquiries not valid;
