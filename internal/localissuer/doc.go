// Package localissuer is a small OpenID Provider for first steps: it serves
// discovery and a key set, and its key, kept in a file beside the hub's data,
// signs tokens for whoever can read that file.
//
// It exists for `fame up` and `fame demo` alone and cannot be switched on in any
// other process: internal/archtest lists who may import it, and no configuration
// names it. Over the network it gives a token to nobody but the hub's own portal, for
// whoever has shown one already, as only readers of the key can, or, in the demo alone,
// says whom they play.
package localissuer
