-- +goose Up
-- What each step of a decision rested on, so that a change of it ends what the
-- decision discloses at once and can be listed (LEG-27): the mode, the
-- conditions, the review date, an order, the detriment question, an override.
-- Decisions from before this named no condition, so that they stand no longer:
-- decide them anew.
alter table relmgr.decisions
  add column mode       text,
  add column aim        governance.code,
  add column review_at  timestamptz,
  add column ordinary   governance.code,
  add column sensitive  governance.code,
  add column detriment  text,
  add column order_kind governance.code,
  add column risk       governance.code, -- of an override
  add column telling    text;

update relmgr.decisions d
   set mode = coalesce(a.mode, case when d.ground in ('explicit-consent', 'implied-consent') then 'supplier-with-consent' else 'imposed' end),
       review_at = d.until
  from relmgr.acts a
 where a.act_id = d.act_id;

alter table relmgr.decisions
  alter column mode set not null,
  alter column review_at set not null,
  add constraint decision_mode_is_known check (mode in ('subject', 'supplier-with-consent', 'joint', 'imposed')),
  add constraint decision_detriment_is_known check (detriment in ('not-considered', 'sharing-is-more-detrimental', 'sharing-is-not-more-detrimental')),
  add constraint override_says_what_telling_would_do check ((risk is null) = (telling is null)),
  add constraint decision_telling_is_known check (telling in ('safe', 'raises-risk'));
create index decisions_by_agency on relmgr.decisions (agency_id);

-- Whether the person's last word on sharing was no: an answer or a withdrawal
-- with no consent captured after it.
create index consents_by_handle on consent.consents (handle_id);
create index requests_by_handle on consent.requests (handle_id);

create view consent.published_refusals as
  select n.handle_id, n.at
    from (select r.handle_id, a.at from consent.answers a join consent.requests r on r.request_id = a.request_id where a.answer = 'refused'
          union all
          select c.handle_id, w.at from consent.withdrawals w join consent.consents c on c.consent_id = w.consent_id) n
   where not exists (select from consent.consents c where c.handle_id = n.handle_id and c.starts_at > n.at);

-- +goose Down
drop view consent.published_refusals;
drop index consent.requests_by_handle, consent.consents_by_handle, relmgr.decisions_by_agency;
alter table relmgr.decisions
  drop column mode, drop column aim, drop column review_at, drop column ordinary, drop column sensitive,
  drop column detriment, drop column order_kind, drop column risk, drop column telling;
