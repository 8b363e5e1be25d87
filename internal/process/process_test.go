package process

import (
	"slices"
	"testing"

	"github.com/fame-hub/fame/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// What a Wire starts ends before what it stands on: the last first, and all
// while the pool is still open.
func TestCloseEndsTheLastFirstAndThePoolAtTheEnd(t *testing.T) {
	t.Parallel()
	p := &Process{DB: pgtest.New(t).DB(t, "relmgr")}
	var ended []string
	for _, what := range []string{"first", "last"} {
		p.AtClose(func() {
			if err := p.DB.PingContext(t.Context()); err != nil {
				t.Errorf("%s: the pool is gone: %v", what, err)
			}
			ended = append(ended, what)
		})
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ended, []string{"last", "first"}) {
		t.Errorf("ended in the order %q", ended)
	}
	if p.DB.PingContext(t.Context()) == nil {
		t.Error("the pool is still open")
	}
}
