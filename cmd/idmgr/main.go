// Command idmgr runs an identity manager as a process of its own: its own port, keys
// and database role. Its configuration file is written by `fame init`. A hub may run
// several, each with a code of the partnership document and a key file of its own.
package main

import (
	"github.com/fame-hub/fame/api/idmgrapi"
	"github.com/fame-hub/fame/internal/process"
)

func main() { process.Main("idmgr", idmgrapi.Wire) }
