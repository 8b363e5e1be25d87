package registers

import "strings"

// Every address that a hub publishes lies below the hub's own: the kind of thing and its
// code, which say nothing of rank or place (FED-01, FED-04).
const names = "/names/"

// Name is the address of something that a hub publishes.
func Name(hub, kind, code string) string {
	return strings.TrimSuffix(hub, "/") + names + kind + "/" + code
}

// Within reports whether an address lies in a hub's space.
func Within(hub, address string) bool {
	return strings.HasPrefix(address, strings.TrimSuffix(hub, "/")+names)
}

// Overlap reports whether the spaces of two hubs would: one lies below the other.
func Overlap(a, b string) bool {
	a, b = strings.TrimSuffix(a, "/")+"/", strings.TrimSuffix(b, "/")+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}
