package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// effectsReport is the last line of stdout with -effects.
type effectsReport struct {
	Ratio      float64 `json:"cpu_ratio"` // of the hub's and the database's processor time
	With       float64 `json:"cpu_us_with"`
	Without    float64 `json:"cpu_us_without"`
	Throughput float64 `json:"throughput_ratio"`
	Effects    int     `json:"effects"`
	Rows       int     `json:"rows"`
	Clients    int     `json:"clients"`
	LoadBefore float64 `json:"load_before"`
}

// meet gives the surgery's handle of half of the rows effects of as many managers:
// every other one grants what the asker may see anyway, the others withhold from
// somebody else. What is told is the same for both halves.
func (h *hub) meet(ctx context.Context, rows, effects int) error {
	for _, text := range []string{
		"set session_replication_role = replica",
		fmt.Sprintf(`insert into idmgr.effects (effect_id, act_id, manager, kind, rule, version, handle_id, column_id, starts_at, ends_at, token_hash,
			  agreement, power, ground, mode, aspects, ordinary, review_at, audience_kind, audience, purposes, reasons, until)
			select gen_random_uuid(), gen_random_uuid(), 'bench-' || m, case when m %% 2 = 0 then 'grant' else 'withhold' end, 'r', 1, h.handle_id, h.column_id,
			  '%[1]s', '%[1]s'::timestamptz + interval '1 year', case when m %% 2 = 0 then sha256(uuid_send(gen_random_uuid())) end,
			  'riverside-children', 'children-act-2004-s10', 'explicit-consent', 'supplier-with-consent', '{relationship}', 'art6-public-task',
			  '%[1]s'::timestamptz + interval '1 year', 'agencies', array[case when m %% 2 = 0 then 'riverside-social-care' else 'night-shelter' end],
			  '{co-ordinate-care}', '{}', '%[1]s'::timestamptz + interval '1 year'
			  from bench.people p join relmgr.handles o using (token) join relmgr.handles h using (row_id), generate_series(1, %[3]d) m
			 where p.n <= %[2]d and h.column_id = 'gp-riverside'`, day.Format(time.RFC3339), rows/2, effects),
		"set session_replication_role = origin",
		"vacuum analyse idmgr.effects",
		"checkpoint",
	} {
		if _, err := h.admin.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// effects has as many clients ask about one half and about the other, round by round.
func (s *setting) effects(ctx context.Context, o options, out io.Writer) (effectsReport, error) {
	r := effectsReport{Effects: o.effects, Rows: o.rows, Clients: o.clients[len(o.clients)-1]}
	if err := s.hub.meet(ctx, o.rows, o.effects); err != nil {
		return r, err
	}
	l := load{Clients: r.Clients, Length: time.Duration(o.seconds) * time.Second}
	halves := [2]*askers{{}, {}}
	for i := range halves {
		*halves[i] = *s.askers
		halves[i].From, halves[i].Rows = i*(o.rows/2), o.rows/2
		if _, err := halves[i].put(ctx, load{Clients: r.Clients, Length: time.Second}, s.db); err != nil { // warming up
			return r, err
		}
	}
	var ratios, with, without, throughputs []float64
	for round := range o.rounds {
		var got [2]asked
		for i := range got {
			at := (i + round) % 2 // who is first changes
			var err error
			if got[at], err = halves[at].put(ctx, l, s.db); err != nil {
				return r, err
			}
		}
		cost := func(a asked) float64 { return a.each(a.HubCPU) + a.each(a.DBCPU) }
		with, without = append(with, cost(got[0])), append(without, cost(got[1]))
		ratios, throughputs = append(ratios, cost(got[0])/cost(got[1])), append(throughputs, got[0].Throughput/got[1].Throughput)
		fmt.Fprintf(out, "round %d: %.0f µs with %d effects, %.0f without: %.2f\n", round+1, cost(got[0]), o.effects, cost(got[1]), cost(got[0])/cost(got[1]))
	}
	r.Ratio, r.With, r.Without, r.Throughput = median(ratios), median(with), median(without), median(throughputs)
	return r, nil
}
