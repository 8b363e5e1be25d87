-- One transaction of pgbench: the enquiry's own read, by a random token, and
-- one row of an audit trail. pgbench.go puts ReadRow of
-- sql/queries/relmgr/enquiries.sql in the place of the marker, with its
-- parameters as pgbench's variables, so that the two cannot part.
\set n random(1, :rows)
begin;
/* the read */
insert into bench.audit (audit_id, at, practitioner_id, agency_id, role, column_id, person, purpose, reason, concerning, terms_version)
values (gen_random_uuid(), :at::timestamptz, 'bench-01', 'riverside-social-care', 'social-worker', :column_id, :n, 'co-ordinate-care', 'working-with-person', 'child', 2);
commit;
