-- +goose Up
-- Keeping a register sound: what is to be looked at by a person, and what they made
-- of it. Nothing here is decided by a process (invariant 10), and whatever a person
-- decided can be taken back.
insert into registrar.act_kinds values
  ('report', false), ('take', false), ('resolve', false), ('reopen', false), ('shield', false), ('unshield', false);

-- Entries that are still to be compared with the others of their register.
create table registrar.unsearched (
  subject_id uuid primary key references registrar.subjects
);
insert into registrar.unsearched select subject_id from registrar.subjects;

-- Found by the search, without an act, or reported by somebody, with one. The same is
-- never put twice: what a person has decided is not proposed again.
create table registrar.tasks (
  task_id        uuid primary key,
  kind           text not null,
  register_id    governance.code not null references registrar.registers,
  subject_a      uuid not null references registrar.subjects,
  subject_b      uuid references registrar.subjects,
  recognition_id uuid references registrar.recognitions,
  act_id         uuid references registrar.acts,
  found_at       timestamptz not null,
  priority       integer not null,
  owner          governance.code,
  constraint task_kind_is_known check (kind in ('duplicate', 'review', 'misdetermined', 'overlay')),
  constraint duplicate_has_two check ((kind = 'duplicate') = (subject_b is not null)),
  constraint pair_is_ordered check (subject_b > subject_a),
  constraint of_a_recognition check ((kind in ('review', 'misdetermined')) = (recognition_id is not null)),
  constraint task_is_put_once unique nulls not distinct (kind, subject_a, subject_b, recognition_id)
);
create index tasks_of_a on registrar.tasks (subject_a);
create index tasks_of_b on registrar.tasks (subject_b) where subject_b is not null;
create index tasks_by_register on registrar.tasks (register_id, priority desc, task_id);

create table registrar.resolutions (
  act_id   uuid primary key references registrar.acts,
  task_id  uuid not null references registrar.tasks,
  outcome  text not null,
  survivor uuid references registrar.subjects,
  constraint resolution_is_known check (outcome in ('same-person', 'not-the-same-person', 'accepted', 'none-of-them', 'wrong', 'right', 'two-people', 'one-person')),
  constraint same_person_has_a_survivor check ((outcome = 'same-person') = (survivor is not null))
);
create index resolutions_by_task on registrar.resolutions (task_id);

create table registrar.reopenings (
  resolution_id uuid primary key references registrar.resolutions,
  act_id        uuid not null references registrar.acts
);

create table registrar.shields (
  act_id     uuid primary key references registrar.acts,
  subject_id uuid not null references registrar.subjects
);
create index shields_by_subject on registrar.shields (subject_id);

create table registrar.unshields (
  shield_id uuid primary key references registrar.shields,
  act_id    uuid not null references registrar.acts
);

-- What people have decided and not taken back.
create view registrar.decided as
  select r.act_id, r.task_id, r.outcome, r.survivor, t.kind, t.subject_a, t.subject_b, t.recognition_id
    from registrar.resolutions r
    join registrar.tasks t on t.task_id = r.task_id
   where not exists (select from registrar.reopenings o where o.resolution_id = r.act_id);

-- Entries that turned out to be of a person who has another: which one survives.
create view registrar.merges as
  select subject_b as subject_id, survivor from registrar.decided where outcome = 'same-person' and survivor = subject_a
  union all
  select subject_a, survivor from registrar.decided where outcome = 'same-person' and survivor = subject_b;

-- +goose StatementBegin
create function registrar.root(entry uuid) returns uuid language sql stable as $$
  with recursive up as (
    select entry as id, 0 as n
    union all
    select m.survivor, up.n + 1 from up join registrar.merges m on m.subject_id = up.id where up.n < 50
  )
  select id from up order by n desc limit 1
$$;
-- +goose StatementEnd

-- +goose StatementBegin
create function registrar.members(entry uuid) returns uuid[] language sql stable as $$
  with recursive down as (
    select entry as id
    union
    select m.subject_id from down join registrar.merges m on m.survivor = down.id
  )
  select array_agg(id) from down
$$;
-- +goose StatementEnd

-- Who is shielded: by an act, or because they may be, or are, the same as one who is.
create view registrar.shielded as
  with own as (
    select s.subject_id from registrar.shields s
     where not exists (select from registrar.unshields u where u.shield_id = s.act_id)
  )
  select subject_id from own
  union
  select case when t.subject_a = own.subject_id then t.subject_b else t.subject_a end
    from own
    join registrar.tasks t on t.kind = 'duplicate' and own.subject_id in (t.subject_a, t.subject_b)
   where not exists (select from registrar.decided d where d.task_id = t.task_id and d.outcome = 'not-the-same-person');

-- What relmgr is to suspend: the statements that rested on a recognition which was
-- wrong. A recognition's id is that of the statement made of it; nothing else is told.
create view registrar.published_repairs as
  select g.registrar, d.recognition_id as statement_id
    from registrar.decided d
    join registrar.recognitions r on r.recognition_id = d.recognition_id
    join registrar.registers g on g.register_id = r.register_id
   where d.outcome = 'wrong'
  union
  select g.registrar, r.recognition_id
    from registrar.decided d
    join registrar.recognitions r on r.subject_id = d.subject_a
    join registrar.acts made on made.act_id = r.act_id
    join registrar.acts said on said.act_id = d.act_id and made.at <= said.at
    join registrar.registers g on g.register_id = r.register_id
   where d.outcome = 'two-people';

-- +goose Down
drop view registrar.published_repairs, registrar.shielded;
drop function registrar.members, registrar.root;
drop view registrar.merges, registrar.decided;
drop table registrar.unshields, registrar.shields, registrar.reopenings, registrar.resolutions, registrar.tasks, registrar.unsearched;
delete from registrar.act_kinds where kind in ('report', 'take', 'resolve', 'reopen', 'shield', 'unshield');
