// Package hubsql carries the SQL of the hub into its programs: the migrations
// that goose applies and the grants that follow them. It holds no logic; package
// internal/pg/migrate runs both. The queries are not here: sqlc turns them into
// each duty's own code.
package hubsql
