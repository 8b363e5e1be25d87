package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// noteStatements has PostgreSQL begin to count.
func (h *hub) noteStatements(ctx context.Context) error {
	for _, text := range []string{
		"create extension if not exists pg_stat_statements schema public",
		"alter system set pg_stat_statements.track_planning = on",
		"select pg_reload_conf(), public.pg_stat_statements_reset()",
	} {
		if _, err := h.admin.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// printStatements says what the statements of the hub and of pgbench took, an
// enquiry of the hub being one line of RecordEnquiries.
func (h *hub) printStatements(ctx context.Context, out io.Writer) error {
	rows, err := h.admin.QueryContext(ctx, `select query, calls, plans, total_plan_time * 1000, total_exec_time * 1000, shared_blks_hit, shared_blks_read, wal_records, wal_fpi, wal_bytes::bigint
		from public.pg_stat_statements where total_exec_time > 5 order by total_exec_time desc limit 20`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var enquiries float64
	if err := h.admin.QueryRowContext(ctx, "select count(*) from relmgr.enquiries").Scan(&enquiries); err != nil {
		return err
	}
	fmt.Fprintf(out, "%.0f enquiries, warming up included\n%-40s %9s %8s %10s %10s %12s %10s %10s %8s %10s\n", enquiries,
		"statement", "calls", "plans", "µs of each", "µs a call", "µs an enquiry", "pages a call", "read a call", "images", "WAL bytes a call")
	for rows.Next() {
		var query string
		var calls, plans, planning, micros, hit, read, records, images, wal float64
		if err := rows.Scan(&query, &calls, &plans, &planning, &micros, &hit, &read, &records, &images, &wal); err != nil {
			return err
		}
		query = strings.Join(strings.Fields(query), " ")
		fmt.Fprintf(out, "%-40.40s %9.0f %8.0f %10.1f %10.1f %12.1f %10.1f %10.1f %8.2f %10.0f\n", query, calls, plans, planning/max(plans, 1), micros/calls, micros/enquiries, (hit+read)/calls, read/calls, images/calls, wal/calls)
	}
	return rows.Err()
}
