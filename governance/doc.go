// Package governance is the duty that keeps the partnership: its members and
// terms, the register of users and their roles (REG-13), the declared
// responsibility for each duty (DCP-01, IDX-16), what every duty stores and who
// controls that (DCP-06, data-map.tsv), and the ledger.
//
// It owns the schema governance and publishes four views, through which every
// other duty reads the terms and the register of users on each request: what is
// ended here is ended everywhere from the next request on.
//
// It must never see a subject, nor the content of another duty's act. It knows
// of a practitioner a code, an agency and a hash of their sign-in; the subject of
// their tokens is hashed on arrival and stands nowhere in clear.
//
// Service has one method for each operation of /governance/v1:
//
//	Read, Apply              the partnership, whole (package partnership)
//	Services                 who, what and where of each duty
//	SignIn                   into the register of users, by a mapped claim
//	Register, End            one practitioner, by an administrator of their agency
//	Practitioners            those of one agency
//	Acts                     what has been changed, newest first
//
// and Initialise, which `fame init` calls once. Every change is one transaction
// that appends its act; a refusal is no act. Changes wait for one another, so
// each is made to what the one before has left.
package governance
