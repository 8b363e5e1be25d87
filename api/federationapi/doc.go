// Package federationapi serves the federation duty over HTTP: what its governance officers
// do about peers behind the edge's sign-in, and what the hub states, signed, to whoever
// asks. It is bound to federation alone and never sees a person's data.
package federationapi
