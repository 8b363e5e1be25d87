// Command relmgr runs the relmgr duty as a process of its own: its own port, keys and
// database role. Its configuration file is written by `fame init`.
package main

import (
	"github.com/fame-hub/fame/api/relmgrapi"
	"github.com/fame-hub/fame/internal/process"
)

func main() { process.Main("relmgr", relmgrapi.Wire) }
