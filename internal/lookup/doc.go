// Package lookup is how one hub finds out whether another knows a person by an
// identifier that both use, without either telling whom it means: neither the one
// that asks, of somebody whom the other does not know, nor the one that answers, of
// anybody who was not asked about.
//
// It is a verifiable oblivious pseudorandom function (RFC 9497, mode VOPRF,
// ristretto255-SHA512) and a table of sealed rows:
//
//  1. The answering hub has a secret for each epoch, and publishes its public key
//     (Answerer.PublicKey) in its entity statement. Of each person who may be found
//     it keeps the function's value (Answerer.Value), which splits into a Tag and a
//     key that opens one row and no other.
//  2. The asking hub blinds identifiers (Asker.Ask) and has them evaluated
//     (Answerer.Evaluate), which shows the other nothing; the proof that comes with
//     it shows that the published key was used, and none made for this asker
//     (Asker.Values).
//  3. It sends the first bits of the tag (Tag.Prefix), and gets all rows that begin
//     with them, filled up with rows of nobody to a fixed number (Bucket). It opens
//     the one row that is its own, if there is one (Value.Open), and can read no other.
//
// So the answering hub learns how many identifiers were evaluated, for whom and for
// what, and one prefix of each. With its own secret it can find out which of all
// conceivable identifiers have such a prefix: one in 2^bits of them. The asking hub
// learns of each identifier that it has had evaluated whether a row was there.
// Whoever has an epoch's secret can try every identifier there is, and whoever asks
// often enough can too: the secret's custody and the quota of questions are what
// protects here, and docs/threat-model.md counts them out.
//
// The package is pure: it keeps nothing, and asks neither a clock nor a database.
package lookup
