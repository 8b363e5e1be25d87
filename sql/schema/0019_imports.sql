-- +goose Up
-- Imports: many relationships of one agency's own columns, each published by an
-- act and a decision of its own, under an approval by a named authority (ACT-04).

-- One kind of act more than there are by now.
-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''approve''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- The approval that an imported act cites. It is no foreign key: checking it for
-- each line would lock the approval's one row as often. What writes it has read
-- the approval in the same transaction, and imports reference it.
alter table relmgr.acts add column approval_id uuid;

-- What an authority has approved: which columns, on which decision, how many,
-- until when. An approval is an act; withdrawing the act ends it.
create table relmgr.approvals (
  approval_id   uuid primary key references relmgr.acts,
  columns       text[] not null,
  mode          text not null,
  reason        governance.code not null,
  relationships integer not null,
  ends_at       timestamptz not null,
  proposal      jsonb not null,
  constraint approval_covers_columns check (cardinality(columns) > 0),
  constraint approval_covers_relationships check (relationships > 0)
);

-- One file under one approval. Of the file there is a keyed hash alone: the hash
-- of a short file would tell its content to whoever guesses it.
create table relmgr.imports (
  import_id   uuid primary key,
  approval_id uuid not null references relmgr.approvals,
  file_hash   bytea not null,
  constraint one_import_per_file unique (approval_id, file_hash)
);

-- Which lines of the file a request has dealt with: a part is there when all that
-- it published is.
create table relmgr.import_parts (
  import_id  uuid not null references relmgr.imports,
  first_line integer not null,
  last_line  integer not null,
  published  integer not null,
  refused    integer not null,
  primary key (import_id, first_line),
  constraint part_has_lines check (0 < first_line and first_line <= last_line)
);

-- What came of a line, once: the act that published it, or why none did. It
-- references no import, for the reason that an act references no approval.
create table relmgr.import_lines (
  import_id uuid not null,
  line      integer not null,
  act_id    uuid references relmgr.acts,
  refused   text,
  primary key (import_id, line),
  constraint line_is_published_or_refused check ((act_id is null) <> (refused is null)),
  constraint line_refusal_is_known check (refused in (
    'column', 'identifier', 'role', 'transactions', 'contact', 'consents', 'wishes', 'published'))
);

-- +goose Down
drop table relmgr.import_lines, relmgr.import_parts, relmgr.imports, relmgr.approvals;
alter table relmgr.acts drop column approval_id;
