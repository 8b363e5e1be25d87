-- name: HearChanges :exec
-- Takes over what consent and identity managers have changed since it was last looked,
-- each act once. An hour back, for acts that were committed late.
with told as (
  select c.act_id, c.handle_id, c.at from consent.published_changes c
   where c.at >= (select coalesce(max(h.at), '-infinity') - interval '1 hour' from relmgr.heard h)
  union all
  select m.act_id, m.handle_id, m.at from idmgr.published_changes m
   where m.at >= (select coalesce(max(h.at), '-infinity') - interval '1 hour' from relmgr.heard h)
), fresh as (
  insert into relmgr.heard (act_id, at)
  select distinct t.act_id, t.at from told t
  on conflict do nothing
  returning act_id
)
insert into relmgr.changes (handle_id, at)
select distinct t.handle_id, t.at from told t join fresh f on f.act_id = t.act_id;

-- name: NoteLapses :exec
-- Notes as changed what has ended by its date since it was last looked, however many
-- look at once: decisions on which a relationship or a correlation rests, consents,
-- managers' effects and silences.
with look as (
  update relmgr.lapses l set previous = l.looked, looked = @at where l.id and l.looked < @at returning l.previous, l.looked
)
insert into relmgr.changes (handle_id, at)
select distinct x.handle_id, x.at
  from look k
 cross join lateral (
    select d.handle_id, least(d.until, d.review_at) as at from relmgr.decisions d
     where d.outcome = 'permitted' and least(d.until, d.review_at) > k.previous and least(d.until, d.review_at) <= k.looked and d.handle_id is not null
       and (exists (select from relmgr.cells c where c.handle_id = d.handle_id and c.decision_id = d.decision_id)
            or exists (select from relmgr.correlations e where e.handle_a = d.handle_id and e.decision_a = d.decision_id)
            or exists (select from relmgr.correlations e where e.handle_b = d.handle_id and e.decision_b = d.decision_id))
    union all
    select p.handle_id, p.ends_at from consent.published_consents p
     where p.ends_at > k.previous and p.ends_at <= k.looked and p.withdrawn_at is null
    union all
    select f.handle_id, f.until from idmgr.published_effects f where f.until > k.previous and f.until <= k.looked
    union all
    select s.handle_id, s.review_by from relmgr.silences s where s.review_by > k.previous and s.review_by <= k.looked
  ) x;

-- name: ForgetHeard :exec
-- What is too old to be looked at again. The newest stays.
delete from relmgr.heard where at < (select max(h.at) - interval '1 day' from relmgr.heard h);

-- name: ListChanged :many
-- Handles of which something has changed before the beat.
select distinct handle_id from relmgr.changes where at < @before order by handle_id limit @page_size;

-- name: TakeChanges :execrows
-- Takes the changes of a handle that nobody else is working off.
delete from relmgr.changes where change_id in (
  select c.change_id from relmgr.changes c where c.handle_id = @handle_id and c.at < @before for update skip locked);

-- name: ListToInform :many
-- Whom a change of a handle may concern: those on its row who want to be informed,
-- whoever was told of it when they asked about somebody of theirs, and its own column
-- where a registrar's mistake suspended something of it.
select h.handle_id, h.column_id from relmgr.handles h
 where h.wrapped_by <> '' and (
   h.handle_id in (select c.handle_id from relmgr.cells c
                     join relmgr.handles m on m.handle_id = c.handle_id
                     join relmgr.handles f on f.row_id = m.row_id
                     join relmgr.offers o on o.act_id = c.act_id and o.kind = 'wants-to-be-informed'
                    where f.handle_id = sqlc.arg(handle_id)::uuid)
   or h.handle_id in (select e.handle_id from relmgr.disclosures d join relmgr.enquiries e on e.enquiry_id = d.enquiry_id
                       where d.handle_id = sqlc.arg(handle_id)::uuid)
   or h.handle_id in (select x.handle_id from relmgr.act_handles x join relmgr.repairs p on p.act_id = x.act_id
                       where x.handle_id = sqlc.arg(handle_id)::uuid))
 order by h.handle_id;

-- name: ListSuspendedOf :many
-- What is suspended of a handle, as an agency is shown it, that nobody has looked at and
-- no notice that was read has told.
select r.reference_id, a.at, m.kind, mine.reference_id as suspends
  from relmgr.act_handles x
  join relmgr.repairs p on p.act_id = x.act_id
  join relmgr.acts a on a.act_id = p.act_id
  join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = @agency_id
  join relmgr.acts m on m.act_id = p.record_id
  join relmgr.act_references mine on mine.act_id = m.act_id and mine.agency_id = @agency_id
 where x.handle_id = @handle_id
   and not exists (select from relmgr.undoings w where w.undoes = a.act_id)
   and not exists (select from relmgr.undoings w where w.undoes = m.act_id and w.act_id <> a.act_id
                      and not exists (select from relmgr.undoings u where u.undoes = w.act_id))
   and a.at > coalesce((select max(n.read_at) from relmgr.notices n where n.handle_id = @handle_id and n.read_at is not null and n.notice_id <> sqlc.arg(notice_id)::uuid), '-infinity')
 order by a.at, r.reference_id
 limit @page_size;

-- name: FindNoticePlace :one
-- Where a handle is looked up, whether its column wants to be informed of it, and for
-- which purposes.
-- And who may be missing, of the notice that waits.
select h.column_id, h.token, h.token_b, coalesce(d.purposes, '{}')::text[] as purposes, coalesce(n.gone, '{}')::text[] as gone
  from relmgr.handles h
  left join relmgr.notices n on n.handle_id = h.handle_id and n.read_at is null
  left join relmgr.cells c on c.handle_id = h.handle_id
       and exists (select from relmgr.offers o where o.act_id = c.act_id and o.kind = 'wants-to-be-informed')
  left join relmgr.decisions d on d.decision_id = c.decision_id
 where h.handle_id = @handle_id and h.wrapped_by <> '';

-- name: ListTold :many
-- What a column was told about one of its handles and has not had taken back, of those
-- on the rows of some handles. Not what an emergency or an override told once, nor what
-- was told of an earlier date.
select distinct d.handle_id, d.decision_id, e.purpose
  from (select m.handle_id from relmgr.handles m
         where m.row_id in (select r.row_id from relmgr.handles r where r.handle_id = any(sqlc.arg(around)::text[]::uuid[]))
        union select unnest(sqlc.arg(around)::text[])::uuid) f
  join relmgr.disclosures d on d.handle_id = f.handle_id
  join relmgr.enquiries e on e.enquiry_id = d.enquiry_id
  join relmgr.decisions s on s.decision_id = d.decision_id
 where e.handle_id = sqlc.arg(handle_id)::uuid and not e.emergency and (e.reads is null or e.reads = 'notices') and s.risk is null
   and e.at < sqlc.arg(before)::timestamptz
   and not exists (select from relmgr.retractions t join relmgr.enquiries n on n.enquiry_id = t.enquiry_id
                    where t.handle_id = d.handle_id and t.decision_id = d.decision_id and n.handle_id = e.handle_id
                      and n.at >= e.at and n.at < sqlc.arg(before)::timestamptz)
 order by d.handle_id, d.decision_id, e.purpose;

-- name: ListSilences :many
-- Recorded grounds on which changes of these are nobody's notice.
select s.act_id, s.handle_id from relmgr.silences s
 where s.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[]) and s.review_by > sqlc.arg(at)::timestamptz
 order by s.act_id;

-- name: ListFarColumns :many
-- The columns of handles, of erased ones too.
select handle_id, column_id from relmgr.handles where handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[]) order by handle_id;

-- name: KeepNotice :exec
-- One unread notice of a handle: what comes before it was read is one more reason for it.
insert into relmgr.notices (notice_id, handle_id, at, next_at, gone)
values (@notice_id, @handle_id, @at, @next_at, sqlc.arg(gone)::text[]::uuid[])
on conflict (handle_id) where read_at is null
do update set gone = array(select distinct g from unnest(relmgr.notices.gone || excluded.gone) g order by g);

-- name: DropNotice :exec
-- There is nothing to tell any more.
delete from relmgr.notices where handle_id = @handle_id and read_at is null;

-- name: ListNotices :many
-- What waits for a column or was read lately, oldest first, after the notice of the cursor.
select n.notice_id, n.handle_id, n.at, n.gone::text[] as gone, h.sealed, h.wrapped_key, h.wrapped_by
  from relmgr.notices n join relmgr.handles h on h.handle_id = n.handle_id
 where h.column_id = @column_id and h.wrapped_by <> ''
   and (sqlc.arg(from_start)::boolean
        or (n.at, n.notice_id) > (select c.at, c.notice_id from relmgr.notices c join relmgr.handles ch on ch.handle_id = c.handle_id
                                   where c.notice_id = sqlc.arg(after_notice)::uuid and ch.column_id = @column_id))
 order by n.at, n.notice_id
 limit @page_size;

-- name: HasNotice :one
select exists (select from relmgr.notices n join relmgr.handles h on h.handle_id = n.handle_id
                where n.notice_id = @notice_id and h.column_id = @column_id);

-- name: MarkNoticeRead :exec
update relmgr.notices set read_at = coalesce(read_at, @read_at), next_at = null where notice_id = @notice_id;

-- name: ClaimNotices :many
-- Takes what is to be sent now, and says when it is sent again unless it arrives: the
-- claim is the delay, so whoever dies meanwhile has lost nothing.
update relmgr.notices n
   set tries = least(n.tries + 1, 100),
       next_at = sqlc.arg(at)::timestamptz + least(interval '1 minute' * (2 ^ least(n.tries, 9)), interval '6 hours')
  from (select d.notice_id from relmgr.notices d where d.next_at <= sqlc.arg(at)::timestamptz and d.read_at is null
         order by d.next_at limit @page_size for update skip locked) c, relmgr.handles h
 where n.notice_id = c.notice_id and h.handle_id = n.handle_id
returning n.notice_id, n.handle_id, h.column_id, n.at, n.gone::text[] as gone;

-- name: NoticesArrived :exec
update relmgr.notices set next_at = null where notice_id = any(sqlc.arg(notice_ids)::text[]::uuid[]);

-- name: CountUndelivered :one
-- How many notices have been tried in vain for over a while.
select count(*) from relmgr.notices where next_at is not null and read_at is null and tries > 5;

-- name: ForgetNotices :exec
delete from relmgr.notices where coalesce(read_at, at) < sqlc.arg(read_before)::timestamptz and (read_at is not null or at < sqlc.arg(unread_before)::timestamptz);

-- name: RecordSilence :exec
insert into relmgr.silences (act_id, handle_id, risk, review_by) values (@act_id, @handle_id, @risk, @review_by);
