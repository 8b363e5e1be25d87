-- +goose Up
-- Imports: many people entered into a register from a file, each by an act of their
-- own, under an approval by a named authority (ACT-04).
insert into registrar.act_kinds values ('approve-import', false);

create table registrar.import_approvals (
  approval_id uuid primary key references registrar.acts,
  register_id governance.code not null references registrar.registers,
  people      integer not null,
  ends_at     timestamptz not null,
  constraint approval_covers_people check (people > 0)
);

-- One file under one approval. Of the file there is a keyed hash alone: the hash
-- of a short file would tell its content to whoever guesses it.
create table registrar.imports (
  import_id   uuid primary key,
  approval_id uuid not null references registrar.import_approvals,
  file_hash   bytea not null,
  constraint one_import_per_file unique (approval_id, file_hash)
);

-- Which lines of the file have been dealt with: a part is there when all that it
-- entered is.
create table registrar.import_parts (
  import_id  uuid not null references registrar.imports,
  first_line integer not null,
  last_line  integer not null,
  entered    integer not null,
  refused    integer not null,
  primary key (import_id, first_line),
  constraint part_has_lines check (0 < first_line and first_line <= last_line)
);

-- What came of a line, once: the act that entered a person, or where and why none
-- did, in words that repeat nothing of it. It references no import, so that parts
-- do not lock one row for each line.
create table registrar.import_lines (
  import_id uuid not null,
  line      integer not null,
  act_id    uuid references registrar.acts,
  pointer   text,
  detail    text,
  primary key (import_id, line),
  constraint line_entered_or_refused check ((act_id is null) = (pointer is not null) and (pointer is null) = (detail is null))
);
create unique index import_lines_by_act on registrar.import_lines (act_id) where act_id is not null;

-- +goose Down
drop table registrar.import_lines, registrar.import_parts, registrar.imports, registrar.import_approvals;
delete from registrar.act_kinds where kind = 'approve-import';
