// Package fame is the federated identity and relationship index: who is
// working with whom, never the records themselves.
//
// The root holds only the contract (openapi.yaml, embedded so that the tool
// and the tests read the same text that the processes were generated from).
// Each duty stands in a directory of its own; docs/ARCHITECTURE.md has the map
// and internal/archtest holds it as a test.
package fame

import _ "embed"

// OpenAPI is the text of openapi.yaml, the law of the HTTP surface.
//
//go:embed openapi.yaml
var OpenAPI []byte
