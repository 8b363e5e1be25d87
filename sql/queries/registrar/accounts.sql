-- The account of a subject, if they have one. The row stays as it is for as long as
-- the transaction lasts.
-- name: FindAccount :one
select account_id, token, sealed, wrapped_key from registrar.accounts where subject_id = sqlc.arg(subject_id);

-- name: FindOwner :one
select a.subject_id, a.token, a.sealed, a.wrapped_key from registrar.accounts a where a.account_id = sqlc.arg(account_id);

-- No row is inserted where the subject has an account, made at the same time.
-- name: InsertAccount :execrows
insert into registrar.accounts (account_id, subject_id, act_id, token, sealed, wrapped_key)
values (sqlc.arg(account_id), sqlc.arg(subject_id), sqlc.arg(act_id), sqlc.arg(token), sqlc.arg(sealed), sqlc.arg(wrapped_key))
on conflict (subject_id) do nothing;

-- name: InsertEnrolmentCode :exec
insert into registrar.enrolment_codes (code_id, subject_id, act_id, token, ends_at)
values (sqlc.arg(code_id), sqlc.arg(subject_id), sqlc.arg(act_id), sqlc.arg(token), sqlc.arg(ends_at));

-- A code that can still be used: the newest of its subject, who is there, in time, not
-- used. Nobody erases them meanwhile.
-- name: FindEnrolmentCode :one
select c.code_id, c.subject_id
  from registrar.enrolment_codes c
  join registrar.subject_keys k on k.subject_id = c.subject_id
 where c.token = sqlc.arg(token) and c.ends_at > sqlc.arg(now)
   and not exists (select from registrar.enrolment_codes_used u where u.code_id = c.code_id)
   and not exists (select from registrar.enrolment_codes later where later.subject_id = c.subject_id and later.ends_at > c.ends_at)
   for share of k;

-- No row is inserted where somebody was first.
-- name: UseEnrolmentCode :execrows
insert into registrar.enrolment_codes_used (code_id, act_id) values (sqlc.arg(code_id), sqlc.arg(act_id))
on conflict (code_id) do nothing;

-- name: InsertSecret :exec
with enrolled as (
  insert into registrar.authenticators (authenticator_id, account_id, act_id, kind)
  values (sqlc.arg(authenticator_id)::uuid, sqlc.arg(account_id)::uuid, sqlc.arg(act_id)::uuid, 'secret')
  returning authenticator_id, account_id, kind
)
insert into registrar.authenticators_in_force (authenticator_id, account_id, kind, hash)
select authenticator_id, account_id, kind, sqlc.arg(hash)::text from enrolled;

-- name: InsertSeed :exec
with enrolled as (
  insert into registrar.authenticators (authenticator_id, account_id, act_id, kind)
  values (sqlc.arg(authenticator_id)::uuid, sqlc.arg(account_id)::uuid, sqlc.arg(act_id)::uuid, 'one-time-code')
  returning authenticator_id, account_id, kind
)
insert into registrar.authenticators_in_force (authenticator_id, account_id, kind, sealed, wrapped_key, last_step)
select authenticator_id, account_id, kind, sqlc.arg(sealed)::bytea, sqlc.arg(wrapped_key)::bytea, sqlc.arg(last_step)::bigint from enrolled;

-- name: InsertKey :exec
with enrolled as (
  insert into registrar.authenticators (authenticator_id, account_id, act_id, kind, credential, public_key, backup_eligible)
  values (sqlc.arg(authenticator_id)::uuid, sqlc.arg(account_id)::uuid, sqlc.arg(act_id)::uuid, 'passkey', sqlc.arg(credential)::bytea,
          sqlc.arg(public_key)::bytea, sqlc.arg(backup_eligible)::boolean)
  returning authenticator_id, account_id, kind
)
insert into registrar.authenticators_in_force (authenticator_id, account_id, kind, sign_count)
select authenticator_id, account_id, kind, sqlc.arg(sign_count)::bigint from enrolled;

-- name: FindSecret :one
select f.authenticator_id, f.account_id, f.hash::text as hash
  from registrar.accounts a
  join registrar.authenticators_in_force f on f.account_id = a.account_id
 where a.token = sqlc.arg(token) and f.kind = 'secret';

-- Whether a number is one of an account at all, for an event that names it.
-- name: FindAccountByNumber :one
select account_id from registrar.accounts where token = sqlc.arg(token);

-- name: ReplaceHash :exec
update registrar.authenticators_in_force set hash = sqlc.arg(hash)::text
 where authenticator_id = sqlc.arg(authenticator_id) and hash = sqlc.arg(old)::text;

-- name: FindSeed :one
select authenticator_id, sealed::bytea as sealed, wrapped_key::bytea as wrapped_key
  from registrar.authenticators_in_force
 where account_id = sqlc.arg(account_id) and kind = 'one-time-code';

-- Uses a step of a seed up. No row where it, or a later one, has been used before; the
-- trigger says so where somebody was first at the same time.
-- name: UseStep :execrows
update registrar.authenticators_in_force set last_step = sqlc.arg(step)::bigint
 where authenticator_id = sqlc.arg(authenticator_id) and last_step < sqlc.arg(step)::bigint;

-- name: ListKeys :many
select n.authenticator_id, n.credential::bytea as credential, n.public_key::bytea as public_key,
       n.backup_eligible::boolean as backup_eligible, f.sign_count::bigint as sign_count
  from registrar.authenticators_in_force f
  join registrar.authenticators n on n.authenticator_id = f.authenticator_id
 where f.account_id = sqlc.arg(account_id) and f.kind = 'passkey'
 order by n.authenticator_id;

-- Notes a key's new counter. No row where another use has counted further meanwhile;
-- a device that does not count says 0 for ever.
-- name: CountKey :execrows
update registrar.authenticators_in_force set sign_count = sqlc.arg(sign_count)::bigint
 where authenticator_id = sqlc.arg(authenticator_id)
   and (sign_count < sqlc.arg(sign_count)::bigint or (sign_count = 0 and sqlc.arg(sign_count)::bigint = 0));

-- All that an account has enrolled, the newest first.
-- name: ListAuthenticators :many
select n.authenticator_id, n.kind, e.at as enrolled_at, ra.at as revoked_at
  from registrar.authenticators n
  join registrar.acts e on e.act_id = n.act_id
  left join registrar.authenticators_revoked r on r.authenticator_id = n.authenticator_id
  left join registrar.acts ra on ra.act_id = r.act_id
 where n.account_id = sqlc.arg(account_id)
 order by e.at desc, n.authenticator_id;

-- Ends an authenticator of the account, and with it what proves it and the sessions
-- that rest on it. No row where it has ended, or is another's.
-- name: RevokeAuthenticator :execrows
with gone as (
  delete from registrar.authenticators_in_force f
   where f.authenticator_id = sqlc.arg(authenticator_id)::uuid and f.account_id = sqlc.arg(account_id)::uuid
  returning f.authenticator_id, f.account_id
), ended as (
  delete from registrar.sessions s using gone
   where s.account_id = gone.account_id and gone.authenticator_id = any(s.authenticators)
)
insert into registrar.authenticators_revoked (authenticator_id, act_id)
select authenticator_id, sqlc.arg(act_id)::uuid from gone;

-- The one of a kind that is to be replaced.
-- name: FindInForce :one
select authenticator_id from registrar.authenticators_in_force
 where account_id = sqlc.arg(account_id) and kind = sqlc.arg(kind);

-- name: IsInForce :one
select exists (select from registrar.authenticators_in_force where authenticator_id = sqlc.arg(authenticator_id))::boolean as in_force;

-- What an account can sign in with.
-- name: ListKindsInForce :many
select distinct kind from registrar.authenticators_in_force where account_id = sqlc.arg(account_id) order by kind;

-- name: InsertSession :exec
insert into registrar.sessions (session, account_id, methods, authenticators, at, ends_at)
values (sqlc.arg(session), sqlc.arg(account_id), sqlc.arg(methods)::text[], sqlc.arg(authenticators)::uuid[], sqlc.arg(at), sqlc.arg(ends_at));

-- A session that holds now: in time, and everything that it rests on in force.
-- name: FindSession :one
select s.account_id, a.subject_id, s.methods, s.authenticators, s.at, s.ends_at
  from registrar.sessions s
  join registrar.accounts a on a.account_id = s.account_id
 where s.session = sqlc.arg(session) and s.ends_at > sqlc.arg(now)
   and not exists (
     select from unnest(s.authenticators) as u (id)
      where not exists (select from registrar.authenticators_in_force f where f.authenticator_id = u.id));

-- name: EndSession :exec
delete from registrar.sessions where session = sqlc.arg(session);

-- name: InsertCeremony :exec
insert into registrar.ceremonies (ceremony, state, ends_at) values (sqlc.arg(ceremony), sqlc.arg(state), sqlc.arg(ends_at));

-- Takes the question that is answered: once, and in time.
-- name: TakeCeremony :one
delete from registrar.ceremonies where ceremony = sqlc.arg(ceremony) and ends_at > sqlc.arg(now) returning state;

-- Counts a try, unless it is too early for one. The count is taken back when the try
-- succeeds, so that of many at once no more than are free get through.
-- name: CountTry :one
insert into registrar.throttles as t (throttle, failures, at) values (sqlc.arg(throttle)::bytea, 1, sqlc.arg(now)::timestamptz)
on conflict (throttle) do update
  set failures = case when t.at < sqlc.arg(forgotten)::timestamptz then 1 else t.failures + 1 end, at = excluded.at
  where t.at < sqlc.arg(forgotten)::timestamptz
     or t.at + make_interval(secs => (sqlc.arg(waits)::float8[])[greatest(1, least(t.failures, cardinality(sqlc.arg(waits)::float8[])))]) <= sqlc.arg(now)::timestamptz
returning failures;

-- When the next try may be made.
-- name: FindThrottle :one
select failures, at from registrar.throttles where throttle = sqlc.arg(throttle);

-- name: ForgetTries :exec
delete from registrar.throttles where throttle = any(sqlc.arg(throttles)::bytea[]);

-- name: TakeTryBack :exec
update registrar.throttles set failures = greatest(failures - 1, 0) where throttle = sqlc.arg(throttle);

-- name: InsertSecurityEvent :exec
insert into registrar.security_events (event_id, kind, at, account_id)
values (sqlc.arg(event_id), sqlc.arg(kind), sqlc.arg(at), sqlc.arg(account_id));

-- name: ListSecurityEvents :many
select event_id, kind, at, account_id from registrar.security_events
 where at >= sqlc.arg(since) order by at desc, event_id limit 200;

-- What is over and can be forgotten.
-- name: ForgetWhatIsOver :exec
with old_sessions as (delete from registrar.sessions where ends_at < sqlc.arg(now)::timestamptz),
old_ceremonies as (delete from registrar.ceremonies where ends_at < sqlc.arg(now)::timestamptz)
delete from registrar.throttles where at < sqlc.arg(forgotten)::timestamptz;
