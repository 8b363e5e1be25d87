-- +goose Up
-- What a hub passes on for others, and that an answer came back.
alter table federation.exchanges
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'look-up', 'escalation', 'dispute', 'letter', 'relay', 'unknown')),
  drop constraint exchange_outcome_is_known,
  add constraint exchange_outcome_is_known check (outcome in ('answered', 'stopped', 'used-before', 'evaluated', 'looked-up', 'over-quota', 'returned', 'discarded', 'escalated', 'no-answer', 'taken', 'passed-on'));

-- +goose Down
update federation.exchanges set kind = 'unknown', outcome = 'no-answer' where kind in ('letter', 'relay');
alter table federation.exchanges
  drop constraint exchange_outcome_is_known,
  add constraint exchange_outcome_is_known check (outcome in ('answered', 'stopped', 'used-before', 'evaluated', 'looked-up', 'over-quota', 'returned', 'discarded', 'escalated', 'no-answer', 'taken')),
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'look-up', 'escalation', 'dispute', 'unknown'));
