// Package decide is the four-step decision, pure: terms and facts in, a
// recorded answer out.
//
// The steps stand in a fixed order and stop at the first failure (LEG-01,
// 000:1856): power, proportionality, confidentiality, data-protection
// condition. The order is code; what each step asks for (agreements, powers,
// bars, law profiles, codes) is data, and every decision names the version of
// the data that it rested on (LEG-27). The same package judges both sides: the
// holder's standing decision when a relationship is published, the asker's
// when a question is asked, and whether one discloses to the other.
//
// It is the one package that duties share besides the ledger's append. It
// imports nothing but internal/ident, reads no clock, no database and no
// network, and must never hold an identifier of a subject.
package decide
