// Command federation runs the federation duty as a process of its own: its own port,
// keys and database role. Its configuration file is written by `fame init`.
package main

import (
	"github.com/fame-hub/fame/api/federationapi"
	"github.com/fame-hub/fame/internal/process"
)

func main() { process.Main("federation", federationapi.Wire) }
