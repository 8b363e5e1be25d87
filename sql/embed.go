package hubsql

import "embed"

// Migrations holds schema/*.sql, one goose migration a file, numbered.
//
//go:embed schema/*.sql
var Migrations embed.FS

// Roles is roles.sql: who may reach what. It is applied after the migrations,
// every time, and gives the same rights however often it runs.
//
//go:embed roles.sql
var Roles string
