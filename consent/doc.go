// Package consent is the duty that records what people agree to and whom they
// want left out.
//
// It owns consents, exclusions, their ends and the acts behind all four
// (consent.* in the database): what is shared, how, why, with whom and until
// when, for one handle (PUB-05); an agency that the person wants left out
// (PUB-07); and the end of either, which takes effect with the next request
// (PUB-12). Explicit consent is a kind of its own (LEG-14). A consent permits
// nothing by itself: relmgr reads what this duty publishes
// (published_consents, published_exclusions) and decides.
//
// It must never see an identifier, in clear or as a token, nor a row, nor
// whether anything is published: a handle, proved by its bearer, is all that it
// knows of a person. Nor may it read the ledger's inbox.
//
// Each method is one transaction with its act inside. An act keeps ids, codes
// and times in clear; the whole of it is committed to the ledger and sealed
// under RecordsKey.
package consent
