// Package partnership reads the document in which a partnership says who its
// members are and what they have agreed, and refuses one that could not work.
//
// partnership.schema.json describes the document; Parse holds a text to it and
// then to what a schema cannot say: that every reference resolves, that dates
// make sense, that the conditions exist in the law profile, that somebody can
// govern. It collects what is wrong, so that one reading of the answer mends
// the whole file, and it never repeats what was written. Document.Terms is what
// the duties read (consent/decide). FromYAML turns the file that people write
// into the JSON that Parse takes, and finds its lines again; Diff says what
// applying one document after another changes.
//
// The package is pure: no database, no network, no clock. It knows nothing of
// subjects, and shows nobody what a practitioner is called by an issuer.
package partnership
