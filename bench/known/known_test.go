package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// A parameter that the product's read gains is noticed here and not in a run of
// minutes. What the two reads find is compared by the run.
func TestPgbenchReadsAsTheEnquiryDoes(t *testing.T) {
	t.Parallel()
	read, err := readRows()
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs, err := reads(read)
	if err != nil {
		t.Fatal(err)
	}
	for text, wants := range map[string][]string{
		ours:   {"unnest(array['social-care']::text[])", "consent.published_exclusions"},
		theirs: {"with own as (", "consent.published_exclusions", "p.n = 1)", "'2026-11-20T09:00:00Z'::timestamptz"},
	} {
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("the read lacks %q:\n%s", want, text)
			}
		}
	}
	if _, _, err := reads(read + " @another"); err == nil {
		t.Error("a parameter without a value was accepted")
	}
	got, err := cutQuery("-- name: Other :one\nselect 1;\n\n-- name: ReadRows :many\n-- one; \n--  two;\nselect 2\n  -- three;\n  from x;\nselect 3;\n", "ReadRows")
	if err != nil || got != "select 2\n  from x" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := cutQuery("-- name: Other :one\nselect 1;\n", "ReadRows"); err == nil {
		t.Error("a file without the read was accepted")
	}
}

func TestPgbenchCountsOnceItIsWarm(t *testing.T) {
	t.Parallel()
	line := func(at, tps string) string {
		return "progress: " + at + " s, " + tps + " tps, lat 1.0 ms stddev 0.1, 0 failed\n"
	}
	warming := "pgbench (15.18)\n" + line("1.0", "0.0") + line("2.0", "7.0") + line("3.0", "9.0") // 16 by 8 clients
	asks := 0
	used := func() (db, client time.Duration) {
		asks++
		return time.Duration(asks) * time.Second, time.Duration(asks) * time.Millisecond
	}
	got, err := counted(strings.NewReader(warming+line("4.0", "100.0")+line("6.0", "250.0")+line("7.0", "1000.0")), 8, 3, used)
	if err != nil || got.Throughput != 200 || got.Counted != 600 || got.DBCPU != time.Second || got.CPU != time.Millisecond {
		t.Errorf("got %+v, %v: want 200 a second and what was used since counting", got, err)
	}
	for _, bad := range []string{
		"", warming, warming + line("4.0", "100.0"), "connection refused\n",
		warming + strings.Replace(line("7.0", "100.0"), "0 failed", "3 failed", 1),
	} {
		if got, err := counted(strings.NewReader(bad), 8, 3, used); err == nil {
			t.Errorf("%q was accepted as %+v", bad, got)
		}
	}
}

func TestMedianAndQuantile(t *testing.T) {
	t.Parallel()
	if got := median([]float64{9, 1, 4}); got != 4 {
		t.Errorf("the median of three is %v", got)
	}
	if got := median([]float64{1, 3}); got != 2 {
		t.Errorf("the median of two is %v", got)
	}
	l := loaded{latencies: []time.Duration{1e6, 2e6, 3e6, 4e6}}
	if got := l.quantile(0.5); got != 3 {
		t.Errorf("the median latency is %v ms", got)
	}
	if got := l.quantile(1); got != 4 {
		t.Errorf("the longest latency is %v ms", got)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-rows", "0"}, {"-rows", "100000000"}, {"-rounds", "0"}, {"-seconds", "0"}, {"-clients", "0"}, {"-clients", "8,x"}, {"-clients", "999"}, {"more"},
		{"-timing", "-calls", "9"}, {"-timing", "-growth"}, {"-growth", "-rows", "5", "-small", "5"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
	o, err := parse([]string{"-clients", "64, 8,8"}, io.Discard)
	if err != nil || len(o.clients) != 2 || o.clients[1] != 64 {
		t.Errorf("got %v, %v: want 8 and 64", o.clients, err)
	}
}

func TestTheKernelsLineOfAProcess(t *testing.T) {
	t.Parallel()
	got, err := parseStat("42 (postgres: a) b) S 7 1 1 0 -1 4194560 100 0 0 0 250 50 1000 500 20 0 1 0 12345 0 0")
	want := stat{pid: 42, parent: 7, own: 3 * time.Second, children: 15 * time.Second}
	if err != nil || got != want {
		t.Errorf("got %+v, %v: want %+v", got, err, want)
	}
	if _, err := parseStat("42 (x) S 7"); err == nil {
		t.Error("half a line was accepted")
	}
}

func TestAUC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		t    timings
		want float64
	}{
		{timings{[]time.Duration{3, 4}, []time.Duration{1, 2}}, 1},
		{timings{[]time.Duration{1, 2}, []time.Duration{3, 4}}, 1},
		{timings{[]time.Duration{1, 4}, []time.Duration{2, 3}}, 0.5},
		{timings{[]time.Duration{5, 5}, []time.Duration{5, 5}}, 0.5},
		{timings{[]time.Duration{2, 4}, []time.Duration{1, 3}}, 0.75},
	} {
		if got := c.t.auc(); got != c.want {
			t.Errorf("%v: got %v, want %v", c.t, got, c.want)
		}
	}
}
