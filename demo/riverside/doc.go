// Package riverside holds a partnership to try FAME with, and the people whom
// its agencies know.
//
// partnership.yaml is a document that `fame apply` takes; people.yaml stands
// for the agencies' own files. All of it is synthetic. The package only reads:
// making the partnership, its keys and its acts is the demo's work.
package riverside
