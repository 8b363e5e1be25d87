-- +goose Up
-- Consent given by somebody with authority to decide for the person, and what
-- was known of the person's own competence (LEG-21): closed codes and an end,
-- never a name, an age or a date of birth.
create table consent.proxies (
  consent_id uuid primary key references consent.consents,
  authority  text not null,
  evidence   text not null,
  ends_at    timestamptz not null,
  constraint proxy_authority_is_known check (authority in (
    'parental-responsibility', 'special-guardian', 'local-authority-care', 'lasting-power-of-attorney', 'court-appointed-deputy')),
  constraint proxy_evidence_is_known check (evidence in ('document-seen', 'register-checked', 'own-records', 'stated-and-noted'))
);

create table consent.competences (
  consent_id uuid primary key references consent.consents,
  presumed   text,
  assessed   text,
  constraint competence_is_stated check (presumed is not null or assessed is not null),
  constraint presumed_is_known check (presumed in ('competent', 'not-competent')),
  constraint assessed_is_known check (assessed in ('competent', 'not-competent'))
);

-- +goose Down
drop table consent.competences, consent.proxies;
