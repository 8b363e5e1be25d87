-- One transaction of pgbench: an enquiry's read by a random token, and one row
-- of an audit trail. The read is ReadRows of sql/queries/relmgr/enquiries.sql in
-- the form that is fastest for one row at a time: alone it beats the product's
-- own, which is made to read many rows at once. pgbench.go compares what the two
-- find before it measures.
\set n random(1, :rows)
begin;
with own as (
  select h.handle_id, h.row_id from relmgr.handles h where h.column_id = :column_id and h.token = (select p.token from bench.people p where p.n = :n)
), members as (
  select h.handle_id, h.column_id from relmgr.handles h join own on own.row_id = h.row_id
), resting as not materialized (
  select 'cell'::text as part, c.handle_id, null::uuid as far_handle, c.column_id::text as column_id, c.decision_id,
         c.role::text as role, c.act_id, o.kind, o.contact::text as contact, o.transactions, true as undisputed
    from members m
    join relmgr.cells c on c.handle_id = m.handle_id
    left join relmgr.offers o on o.act_id = c.act_id
  union all
  select 'side', v.handle_id, v.far_handle, v.column_id, v.decision_id, '', e.act_id, '', '', null,
         not exists (select from relmgr.disputes x where x.handle_id in (e.handle_a, e.handle_b))
    from members a
    join relmgr.correlations e on e.handle_a = a.handle_id
    join members b on b.handle_id = e.handle_b
    cross join lateral (values (e.handle_a, e.handle_b, a.column_id::text, e.decision_a),
                               (e.handle_b, e.handle_a, b.column_id::text, e.decision_b)) v (handle_id, far_handle, column_id, decision_id)
), standing as not materialized (
  select d.decision_id, d.agreement, d.power, d.ground, d.purposes, d.audience_kind, d.audience, d.until, d.mode, d.aspects, d.ordinary, d.sensitive, d.review_at, d.risk,
         not exists (
           select from relmgr.decision_consents dc
             left join consent.published_consents pc on pc.consent_id = dc.consent_id
            where dc.decision_id = d.decision_id
              and (pc.consent_id is null or pc.withdrawn_at is not null
                   or :at::timestamptz < pc.starts_at or :at::timestamptz >= pc.ends_at)
         ) as consented
    from relmgr.decisions d
)
select 'own'::text as part, own.handle_id, null::uuid as far_handle, :column_id::text as column_id,
       null::uuid as decision_id, ''::text as role,
       ''::text as agreement, ''::text as power, ''::text as ground,
       '{}'::text[] as purposes, ''::text as audience_kind, '{}'::text[] as audience, :at::timestamptz as until, false as consented,
       null::uuid as act_id, ''::text as kind, ''::text as contact, '{}'::text[] as transactions, ''::text as excluded,
       ''::text as mode, '{}'::text[] as aspects, ''::text as ordinary, ''::text as sensitive,
       :at::timestamptz as review_at, ''::text as risk, ''::text as override,
       coalesce((select t.reading from relmgr.token_epochs t where t.column_id = :column_id), 1)::int as reading
  from own
union all
select r.part, r.handle_id, r.far_handle, r.column_id, r.decision_id, r.role, s.agreement::text, s.power::text,
       s.ground, s.purposes, s.audience_kind, s.audience, s.until, s.consented and r.undisputed, r.act_id,
       coalesce(r.kind, ''), coalesce(r.contact, ''), coalesce(r.transactions, '{}'), '',
       s.mode, s.aspects, coalesce(s.ordinary, ''), coalesce(s.sensitive, ''), s.review_at, coalesce(s.risk, ''),
       case when s.risk is null then ''
            when exists (select from relmgr.override_outcomes o where o.decision_id = s.decision_id and o.outcome = 'not-justified') then 'rejected'
            when exists (select from relmgr.override_uses u where u.decision_id = s.decision_id and u.column_id = :column_id
                                                              and u.first_at <= :at::timestamptz - interval '1 hour') then 'spent'
            else '' end, 0
  from resting r
  join standing s on s.decision_id = r.decision_id
union all
select 'excluded', m.handle_id, null, '', null, '', '', '', '', '{}', '', '{}',
       :at::timestamptz, false, null, '', '', '{}', x.excluded::text, '', '{}', '', '', :at::timestamptz, '', '', 0
  from members m
  join consent.published_exclusions x on x.handle_id = m.handle_id and x.ended_at is null
union all
select 'blocked', m.handle_id, null, '', null, '', '', '', '', '{}', '', '{}',
       :at::timestamptz, false, null, b.reach, '', '{}', '', '', '{}', '', '', :at::timestamptz, '', '', 0
  from members m
  join consent.published_blocks b on b.handle_id = m.handle_id and b.ended_at is null
union all
select 'apart', k.handle_a, k.handle_b, '', null, '', '', '', '', '{}', '', '{}',
       :at::timestamptz, false, k.act_id, '', '', '{}', '', '', '{}', '', '', :at::timestamptz, '', '', 0
  from members m
  join relmgr.keep_aparts k on k.handle_a = m.handle_id;
insert into bench.audit (audit_id, at, practitioner_id, agency_id, role, column_id, person, purpose, reason, concerning, terms_version)
values (gen_random_uuid(), :at::timestamptz, 'bench-01', 'riverside-social-care', 'social-worker', :column_id, :n, 'co-ordinate-care', 'working-with-person', 'child', 2);
commit;
