-- Who may reach what. Applied after every migration; reviewed like code.
--
-- A group role per duty holds the grants. Each hub's processes log in as
-- members of these groups (<hub>_<duty>) that may CONNECT to that hub's database
-- alone, so hubs of one cluster stay apart. The wall test runs every generated
-- query as its own role and tries every table as every other.
--
-- Roles belong to the cluster, so two databases may get here at once.
do $$
declare duty text;
begin
  foreach duty in array array['registrar', 'relmgr', 'idmgr', 'consent', 'federation', 'governance'] loop
    begin
      execute format('create role fame_%s nologin', duty);
    exception when duplicate_object or unique_violation then null;
    end;
  end loop;
end $$;

-- Nothing by default, and nothing left over from an earlier version of this file.
revoke all on schema public from public;
do $$
declare s text; duty text;
begin
  foreach s in array array['registrar', 'relmgr', 'idmgr', 'consent', 'federation', 'governance', 'ledger'] loop
    foreach duty in array array['registrar', 'relmgr', 'idmgr', 'consent', 'federation', 'governance'] loop
      execute format('revoke all on schema %I from fame_%s', s, duty);
      execute format('revoke all on all tables in schema %I from fame_%s', s, duty);
    end loop;
  end loop;
end $$;

-- The ledger's inbox: put in, never look.
grant usage on schema ledger to fame_registrar, fame_relmgr, fame_idmgr, fame_consent, fame_federation, fame_governance;
grant insert on ledger.pending to fame_registrar, fame_relmgr, fame_idmgr, fame_consent, fame_federation, fame_governance;
-- governance's sequencer alone takes out, and writes the tree: what stands in it is never changed,
-- save that the last tile of a level grows (a trigger holds it to that).
grant select, delete on ledger.pending to fame_governance;
grant select, insert on ledger.leaves, ledger.checkpoints, ledger.tiles to fame_governance;
grant update (hashes) on ledger.tiles to fame_governance;
-- As a witness it keeps the latest of each peer's log, which never goes back (a trigger again).
grant select, insert on ledger.witnessed, ledger.cosignatures, ledger.split_views to fame_governance;
grant update (size, root, note) on ledger.witnessed to fame_governance;

-- The register of users and the terms: every duty reads what governance publishes.
grant usage on schema governance to fame_registrar, fame_relmgr, fame_idmgr, fame_consent, fame_federation;
grant select on governance.published_users, governance.published_roles, governance.published_memberships, governance.published_terms
  to fame_registrar, fame_relmgr, fame_idmgr, fame_consent, fame_federation, fame_governance;

-- registrar: append only, keys apart.
grant usage on schema registrar to fame_registrar;
grant update (wrapped) on registrar.set_apart to fame_registrar; -- while it is wrapped anew, and to lock the record
grant select, insert on registrar.acts, registrar.registers, registrar.subjects, registrar.items, registrar.superseded,
  registrar.entries, registrar.models, registrar.recognitions,
  registrar.checks, registrar.failed_checks, registrar.resolutions, registrar.reopenings, registrar.shields,
  registrar.unshields, registrar.tasks, registrar.import_approvals, registrar.imports, registrar.import_parts,
  registrar.import_lines, registrar.set_apart, registrar.apart_confirmed, registrar.apart_opened, registrar.apart,
  registrar.covers to fame_registrar;
grant update (owner) on registrar.tasks to fame_registrar; -- who looks at it is an act, and shown here
grant select, insert on registrar.common_clients, registrar.common_answers to fame_registrar;
grant select, insert on registrar.erasures, registrar.erased to fame_registrar;
grant select, insert on registrar.assessments, registrar.representatives, registrar.representatives_ended to fame_registrar;
grant select on registrar.decided, registrar.merges, registrar.shielded, registrar.unsound to fame_registrar;
grant select, insert, update, delete on registrar.unsearched to fame_registrar;
grant select on registrar.act_kinds to fame_registrar;
grant select, insert, delete on registrar.content_keys, registrar.subject_keys to fame_registrar;
grant update (wrapped, wrapped_by) on registrar.subject_keys to fame_registrar;
grant select, insert, update on registrar.token_epochs to fame_registrar;
grant select, insert on registrar.retired_keys to fame_registrar;
-- ... and the projection is rebuilt as acts come.
grant select, insert, update, delete on registrar.tokens, registrar.profiles, registrar.identifiers to fame_registrar;
-- Signing in: what was enrolled is append only, what is in force goes when it is revoked.
grant select, insert on registrar.accounts, registrar.enrolment_codes, registrar.enrolment_codes_used, registrar.authenticators,
  registrar.authenticators_revoked, registrar.security_events to fame_registrar;
grant select, insert, delete on registrar.authenticators_in_force, registrar.sessions, registrar.ceremonies, registrar.throttles,
  registrar.sign_ins, registrar.grants, registrar.access_tokens, registrar.assertions_used to fame_registrar;
grant update (hash, last_step, sign_count) on registrar.authenticators_in_force to fame_registrar;
grant update (failures, at) on registrar.throttles to fame_registrar;
grant update (sealed, wrapped_key) on registrar.sign_ins to fame_registrar;
grant update (redeemed, revoked) on registrar.grants to fame_registrar;

-- idmgr: append only, keys apart.
grant usage on schema idmgr to fame_idmgr;
grant select, insert on idmgr.records, idmgr.key_checks to fame_idmgr;
grant select, insert, delete on idmgr.content_keys to fame_idmgr;
grant select, insert on idmgr.acts, idmgr.rule_sets, idmgr.rules, idmgr.activations, idmgr.effects, idmgr.withdrawals,
  idmgr.cases, idmgr.case_steps, idmgr.case_references to fame_idmgr;
-- ... and what is in force of effects is a projection.
grant update (live, yields_to, audience_kind, audience, purposes, reasons, until) on idmgr.effects to fame_idmgr;
-- What goes with the key of a record or an act, and a trigger lets nothing else become of it.
grant select, insert on idmgr.erased to fame_idmgr;
grant update (reason) on idmgr.case_steps to fame_idmgr;
grant update (agencies) on idmgr.cases to fame_idmgr;
grant select on idmgr.cases_over to fame_idmgr;
grant select on idmgr.docket, idmgr.effects_told to fame_idmgr;
-- What relmgr hands over to become cases, and how often what was asked: no person and no handle.
grant usage on schema relmgr to fame_idmgr;
grant select on relmgr.escalations, relmgr.asked to fame_idmgr;

-- federation: append only, keys apart.
grant usage on schema federation to fame_federation;
grant select, insert on federation.acts, federation.agreements, federation.peers, federation.registrars, federation.hub_keys to fame_federation;
grant select, insert, delete on federation.content_keys to fame_federation;
grant select on federation.peers_in_force, federation.registrars_in_force to fame_federation;
grant select, insert on federation.book, federation.exchanges, federation.unknown_messages, federation.disputes, federation.dispute_ends, federation.marks to fame_federation;
grant select, insert, delete, update (next_at, refused_at) on federation.dispute_letters to fame_federation;
grant select, insert, delete, update (known_as, jwks, minutes) on federation.admitted_elsewhere to fame_federation;
grant usage on schema federation to fame_registrar;
grant select on federation.admitting to fame_registrar;
-- The key of private look-ups, which relmgr publishes for it.
grant usage on schema relmgr to fame_federation;
grant select on relmgr.look_up_key to fame_federation;
-- What was fetched is a copy, and goes when a newer one comes or it is withdrawn.
grant select, insert, delete, update (statement, expires_at) on federation.statements to fame_federation;

-- governance: acts and versions of the terms are never changed; the register of
-- users is kept up to date.
grant usage on schema governance to fame_governance;
grant select, insert on governance.acts, governance.terms to fame_governance;
grant select, insert, delete on governance.content_keys to fame_governance;
grant select, insert on governance.practitioners, governance.roles_held, governance.memberships to fame_governance;
grant update (starts_at, ends_at, act_id, source, issuer, subject_hash, agency_id) on governance.practitioners to fame_governance;
grant update (ends_at, act_id) on governance.roles_held, governance.memberships to fame_governance;

-- consent: append only, keys apart.
grant usage on schema consent to fame_consent;
grant select, insert on consent.acts, consent.consents, consent.withdrawals, consent.exclusions, consent.inclusions,
  consent.blocks, consent.unblocks, consent.requests, consent.answers, consent.proxies,
  consent.competences, consent.reviews, consent.erasures, consent.erased to fame_consent;
-- Taking a key takes what stands in clear beside it (a trigger).
grant select, insert, delete on consent.content_keys to fame_consent;
grant select on consent.over, consent.still_there, consent.said to fame_consent;
-- ... which changes these, and a trigger holds them to that.
grant update (explicit, audience_kind, audience, purposes, aspects, evidence, wording, understanding) on consent.consents to fame_consent;
grant update (explicit, audience_kind, audience, purposes, aspects) on consent.requests to fame_consent;
grant update (excluded, evidence) on consent.exclusions to fame_consent;
grant update (warning, evidence) on consent.blocks to fame_consent;
grant update (evidence) on consent.withdrawals, consent.inclusions, consent.unblocks to fame_consent;
grant update (reason) on consent.reviews, consent.answers to fame_consent;
grant delete on consent.proxies, consent.competences to fame_consent;

-- relmgr: the truth is append only ...
grant usage on schema relmgr to fame_relmgr;
grant select, insert on relmgr.acts, relmgr.act_handles, relmgr.undoings, relmgr.act_references, relmgr.decisions,
  relmgr.decision_consents, relmgr.enquiries, relmgr.disclosures, relmgr.pairings, relmgr.pairings_used,
  relmgr.key_checks, relmgr.handles, relmgr.offers, relmgr.erasures, relmgr.erased, relmgr.barred, relmgr.confirmations,
  relmgr.reviews, relmgr.repairs, relmgr.review_outcomes, relmgr.declarations, relmgr.samples, relmgr.replays, relmgr.override_uses, relmgr.override_outcomes,
  relmgr.contact_requests, relmgr.deliveries, relmgr.replies, relmgr.moves,
  relmgr.tellings, relmgr.objections, relmgr.rulings, relmgr.statements, relmgr.exports, relmgr.destructions,
  relmgr.approvals, relmgr.imports, relmgr.import_parts, relmgr.import_lines, relmgr.as_of_approvals to fame_relmgr;
-- Notices: what has changed is worked off, and what waits to be read goes when it is old.
grant select, insert on relmgr.retractions, relmgr.silences, relmgr.complaints, relmgr.complaint_steps to fame_relmgr;
grant select, insert, delete, update (at) on relmgr.changes to fame_relmgr; -- update is what a lock asks for
grant select, insert, delete on relmgr.heard to fame_relmgr;
grant select, update (looked, previous) on relmgr.lapses to fame_relmgr;
grant select, insert, delete, update (read_at, next_at, tries, gone) on relmgr.notices to fame_relmgr;
grant select, insert, delete, update (wrapped) on relmgr.content_keys to fame_relmgr;
-- What goes with the content of an act that is erased.
grant delete on relmgr.offers, relmgr.replays to fame_relmgr;
-- ... and the projection is rebuilt as acts come. A handle that moves gets another
-- place; which one it left stands in moves.
grant update (row_id, column_id, token, token_b, token_epoch, sealed, wrapped_key, wrapped_by) on relmgr.handles to fame_relmgr;
-- Epochs of keys go up by one (queries/relmgr/keys.sql).
grant select, insert, update on relmgr.token_epochs, relmgr.wrapping_epochs to fame_relmgr;
grant select, insert on relmgr.retired_keys, relmgr.record_epochs to fame_relmgr;
-- Anchors are advanced to the next key, and go with their handle; the acts that attach them stay.
grant select, insert, delete, update (epoch, value) on relmgr.anchors to fame_relmgr;
grant select, insert, update (live) on relmgr.attachments to fame_relmgr;
grant select, update (epoch) on relmgr.anchor_epochs to fame_relmgr;
grant select, insert on relmgr.recognitions_used, relmgr.peer_requests to fame_relmgr;
-- Private look-ups: tags are made, and go with their handle or their epoch.
grant select, insert, delete, update (scheme) on relmgr.look_up_columns to fame_relmgr;
grant select, insert, delete, update (published) on relmgr.look_up_epochs to fame_relmgr;
grant select, insert, delete, update (place, sealed, wrapped) on relmgr.look_up_tags to fame_relmgr;
grant select, insert, delete, update (handle_id) on relmgr.look_up_due to fame_relmgr; -- update is what a lock asks for
grant select, insert, delete, update (used) on relmgr.asked_on to fame_relmgr;
grant delete on relmgr.repairs to fame_relmgr; -- of what its registrar has taken back
grant select, insert, update, delete on relmgr.cells, relmgr.correlations, relmgr.keep_aparts, relmgr.disputes to fame_relmgr;
grant select, insert, delete on relmgr.duplicates to fame_relmgr;
grant select, insert, delete, update (live, code_hash) on relmgr.ties to fame_relmgr;
grant select, insert, delete, update (wrapped) on relmgr.tie_references to fame_relmgr; -- update is what a lock asks for
grant select, insert, delete on relmgr.letters to fame_relmgr;
-- What consent publishes for it: terms and life of a consent, nothing of its evidence.
grant usage on schema consent to fame_relmgr;
grant select on consent.published_consents, consent.published_exclusions, consent.published_blocks,
  consent.published_refusals, consent.published_changes, consent.published_erased to fame_relmgr;
-- Whom to tell of what is imposed.
grant select on relmgr.to_tell, relmgr.concealed to fame_relmgr;
-- Whose word the register of registrars has suspended.
grant usage on schema federation to fame_relmgr;
grant select on federation.suspended_registrars to fame_relmgr;
-- What a registrar found to be wrong, for relmgr to suspend: ids of statements alone.
grant usage on schema registrar to fame_relmgr;
grant select on registrar.published_repairs to fame_relmgr;
-- What identity managers have in force on a handle. Of links there is nothing to read.
grant usage on schema idmgr to fame_relmgr;
grant select on idmgr.published_effects, idmgr.published_grants, idmgr.published_changes to fame_relmgr;
grant select on idmgr.published_rulings to fame_relmgr; -- for it to carry out
grant select, insert on relmgr.clashes to fame_relmgr;
-- And what consent is to ask for, handed over by relmgr.
grant usage on schema relmgr to fame_consent;
grant select on relmgr.consent_wanted to fame_consent;
-- Whom relmgr has erased, and of which handles something is under review: it is not erased until then.
grant select on relmgr.under_review, relmgr.gone_handles to fame_consent;
