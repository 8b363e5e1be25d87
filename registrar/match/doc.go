// Package match recognises people from what is known of them: probabilistic record
// linkage after Fellegi and Sunter, for the registrar's recognitions and for its
// search for duplicates. It is pure: no database, no clock, no network, and it
// never links or joins anything. What comes out is an outcome or a pair for a
// person to decide on (design section 3, invariant 10; REG-01, AUT-02, AUT-03).
// It must never see a row, a relationship, or what an agency calls a person.
//
// # How a recognition runs
//
//	form := match.Normalise(record)         // folded, split, bounded
//	keys := form.Keys()                     // tokens by pass; the registrar stores and looks up their HMACs
//	… for each key the entries with that token, at most Pass.Bound, else the block is full …
//	out := model.Recognise(form, candidates, full, entries)
//
// A look-up needs nothing but equality of tokens, so that the register may be
// encrypted above the database. No pass reads a block that holds more than its
// bound: ten thousand people of one name cost what sixty do.
//
// # How two records are compared
//
// Text of any script is folded to a-z (Unicode NFKC, then transliteration). A name
// is a bag of parts that is laid against the other both ways round; nicknames,
// half of a double-barrelled name, a slip, an alike sound and an initial are levels
// of agreement of their own, as are turned, mistyped and partial dates, neighbouring
// postcodes and partly equal streets. A field that either side lacks says nothing.
// Of several values (a former name, a second address) the best fitting pair counts.
//
// # How a comparison is weighed
//
// Each level weighs log2(m/u), m being its frequency among pairs of one person and u
// among pairs of strangers (Fellegi and Sunter, A theory for record linkage, JASA 64,
// 1969). u comes from random pairs of the register; m from expectation-maximisation
// over the candidates, without labels (Winkler, Using the EM algorithm for weight
// computation in the Fellegi-Sunter model, 1988), held to a prior where the register
// has few duplicates. Where two values are the same, u is the frequency of that value
// (Winkler, Frequency-based matching, 1989), and where it is rare, the chance that
// strangers share a rare one.
//
// Strangers are not the only others. A pair can agree because it is a family: the
// model reckons with a household, a twin and a namesake as well (kin), which is what
// keeps a shared surname, address and date of birth from ever adding up to a person.
//
// # How it is decided
//
// Determined is who fits, is told from twins by a given name and from father or son
// by a date of birth (or by an identifier), is not contradicted by given name, date
// or identifier, and is by a thousand to one likelier than all others, registered or
// not. Over-determined is where all who come close are contradicted, or nobody does.
// All else is under-determined, and what would help is told from the evidence alone,
// so that it says nothing of who is registered.
//
// The known weakness of the method is that fields are taken to be independent; where
// that is plainly wrong (a second given name, an e-mail address made of the name)
// the code says what it does instead.
package match
