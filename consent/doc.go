// Package consent is the duty that records what people agree to and whom they
// want left out.
//
// It owns consents, requests for them, exclusions, blocks, their ends and the
// acts behind all of them (consent.* in the database): what is shared, how, why, with whom and until
// when, for one handle (PUB-05); an agency that the person wants left out
// (PUB-07); and the end of either, which takes effect with the next request
// (PUB-12). Explicit consent is a kind of its own (LEG-14). A consent permits
// nothing by itself: relmgr reads what this duty publishes
// (published_consents, published_exclusions, published_blocks,
// published_refusals) and decides. A request permits still less: it waits for the
// members of its column and has one answer (PUB-10). Those that relmgr hands over
// (relmgr.consent_wanted), where all that a proposal lacks is a consent, are
// taken in whenever requests are listed or answered. Where somebody else decided for the person, the consent
// says by what authority and lapses with it (LEG-21).
//
// What is over is erased when an agency asks for it or a rule of retention says so
// (Erase, Retain): that it was said, and until when, stays.
//
// Receipt signs what a consent says for whoever the person shows it to.
// TryDecision takes terms without a person through the four steps, and keeps
// nothing.
//
// It must never see an identifier, in clear or as a token, nor a row, nor
// whether anything is published: a handle, proved by its bearer, is all that it
// knows of a person. Nor may it read the ledger's inbox.
//
// Each method is one transaction with its act inside. An act keeps ids, codes
// and times in clear; the whole of it is committed to the ledger and sealed
// under RecordsKey.
package consent
