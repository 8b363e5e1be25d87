package pg_test

import (
	"math"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pgtest"
)

// What goes in binary is what would have gone as text, to the last element: an
// empty list is no NULL, and a time is rounded to the microsecond by either way.
func TestArraysInBinaryAreThoseInText(t *testing.T) {
	t.Parallel()
	db, err := pg.Open(t.Context(), pgtest.New(t).DSN("relmgr"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	prepared := pg.Prepare(db)
	at := time.Date(2026, 3, 29, 1, 30, 0, 1500, time.FixedZone("", 3600))
	for _, c := range []struct {
		cast string
		list any
	}{
		{"text[]", []string{"", "NULL", `a "b", {c} \d`, "Zoë 李"}}, {"text[]", []string{}}, {"text[]", []string(nil)},
		{"bytea[]", [][]byte{{}, nil, {0, 255}, []byte(`\x41`)}}, {"bytea[]", [][]byte{}}, {"bytea[]", [][]byte(nil)},
		{"boolean[]", []bool{true, false}}, {"boolean[]", []bool{}},
		{"int[]", []int32{0, -1, math.MaxInt32, math.MinInt32}}, {"int[]", []int32(nil)},
		{"bigint[]", []int64{0, -1, math.MaxInt64, math.MinInt64}}, {"bigint[]", []int64{}},
		{"timestamptz[]", []time.Time{at, at.Add(499), at.Add(-1e9 * 3600 * 24 * 365 * 40), {}}}, {"timestamptz[]", []time.Time{}}, {"timestamptz[]", []time.Time(nil)},
	} {
		var same bool
		text := "select $1::" + c.cast + " is not distinct from $2::text::" + c.cast + " and cardinality($1::" + c.cast + ") is not distinct from cardinality($2::text::" + c.cast + ")"
		if err := prepared.QueryRowContext(t.Context(), text, pq.Array(c.list), asText(t, c.list)).Scan(&same); err != nil || !same {
			t.Errorf("%s %v is not the same in binary as in text (%v)", c.cast, c.list, err)
		}
	}
}

// asText is the array as lib/pq writes it.
func asText(t *testing.T, list any) any {
	t.Helper()
	array := pq.Array(list)
	v, err := array.Value()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A jsonb value comes back as it went, and none is NULL.
func TestJSONIsSentAsText(t *testing.T) {
	t.Parallel()
	db, err := pg.Open(t.Context(), pgtest.New(t).DSN("relmgr"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for in, want := range map[string]string{`{"a": [1, "x"]}`: `{"a": [1, "x"]}`, "null": "null"} {
		var got pg.JSON
		if err := db.QueryRow("select $1::jsonb", pg.JSON(in)).Scan(&got); err != nil || string(got) != want {
			t.Errorf("%s came back as %s (%v)", in, got, err)
		}
	}
	got := pg.JSON("before")
	if err := db.QueryRow("select $1::jsonb", pg.JSON(nil)).Scan(&got); err != nil || got != nil {
		t.Errorf("none came back as %q (%v)", got, err)
	}
}
