// Package seal keeps the hub's secrets: look-up tokens, envelope encryption
// and the providers that hold the keys.
//
// Provider is the seam. Keys never leave it: callers name a key by its KeyID
// and get back a MAC, a wrapped data key, a signature or an agreed secret. File is the default
// provider; hardware and cloud ones come behind the same interface.
//
// Four layers use it:
//
//   - Token turns (column, identifier) into the value that relmgr looks up.
//   - Seal and Open encrypt one small value under a data key (DEK) of its own.
//   - Provider.Wrap and Unwrap encrypt that data key under a wrapping key;
//     destroying the wrapping key, or the one wrapped data key, erases what it
//     sealed.
//   - SealRecord and OpenRecord do both for a record's salt and body.
//
// Associated data is mandatory throughout: it names the row, so that sealed
// values and wrapped keys cannot be moved from one row to another.
//
// A caller that creates a key stores the check value that Ensure returns in
// the database and calls Confirm when it starts. A lost, rolled back or
// swapped key file is then refused, instead of minting tokens that match
// nothing.
//
// Types that hold secrets print as "[secret]" under every fmt verb and in
// every log. Nothing in this package normalises identifiers, writes logs or
// puts what a caller sent into an error.
package seal
