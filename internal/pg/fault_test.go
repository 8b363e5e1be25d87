package pg_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

const value = "943-476-5919" // stands for what no error may show

func TestFaultOfEachState(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]fault.Kind{
		"23505": fault.Conflict, "23P01": fault.Conflict,
		"23503": fault.Invalid, "23514": fault.Invalid,
		"40001": fault.Unavailable, "40P01": fault.Unavailable, "55P03": fault.Unavailable, "57014": fault.Unavailable,
		"57P01": fault.Unavailable, "57P02": fault.Unavailable, "57P03": fault.Unavailable,
		"53300": fault.Unavailable, "53100": fault.Unavailable, "08006": fault.Unavailable,
		"42501": fault.Internal, "22P02": fault.Internal, "42P01": fault.Internal, "XX000": fault.Internal,
	} {
		raw := &pq.Error{
			Code: pqerror.Code(code), Constraint: "cells_one_live",
			Message: value, Detail: value, Hint: value, Where: value, InternalQuery: value,
		}
		for name, err := range map[string]error{
			"bare":    raw,
			"wrapped": fmt.Errorf("store %s: %w", value, raw),
			"joined":  errors.Join(errors.New(value), raw),
		} {
			got := pg.Fault(err)
			f, ok := errors.AsType[*fault.Error](got)
			if !ok || f.Kind != want {
				t.Errorf("%s %s is %v, want %s", name, code, got, want)
				continue
			}
			if (f.RetryAfter > 0) != (want == fault.Unavailable) {
				t.Errorf("%s %s: RetryAfter is %v", name, code, f.RetryAfter)
			}
			if all := fmt.Sprintf("%v %+v %s", got, f, got.Error()); strings.Contains(all, value) {
				t.Errorf("%s %s shows a value: %s", name, code, all)
			}
			if !strings.Contains(got.Error(), code) || pg.Constraint(got) != "cells_one_live" {
				t.Errorf("%s %s: the log lacks the state or the constraint: %v", name, code, got)
			}
			if errors.As(got, new(*pq.Error)) {
				t.Errorf("%s %s: the driver's error is still inside", name, code)
			}
			if pg.CrossedWall(got) != (code == "42501") {
				t.Errorf("%s %s: CrossedWall is %v", name, code, pg.CrossedWall(got))
			}
			if again := pg.Fault(got); again != got {
				t.Errorf("%s %s: read twice it changes: %v", name, code, again)
			}
		}
	}
}

func TestFaultOfALostConnection(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		&net.OpError{Op: "dial", Err: errors.New("refused")}, context.DeadlineExceeded, context.Canceled, pg.ErrRetry,
	} {
		for _, err := range []error{err, fmt.Errorf("ask: %w", err)} {
			f, ok := errors.AsType[*fault.Error](pg.Fault(err))
			if !ok || f.Kind != fault.Unavailable || f.RetryAfter == 0 {
				t.Errorf("%v is %v, want Unavailable with RetryAfter", err, pg.Fault(err))
			}
		}
	}
}

func TestFaultLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		nil, sql.ErrNoRows, errors.New("mine"), fault.New(fault.NotKnown, "ask again"),
		fmt.Errorf("where: %w", fault.New(fault.Conflict, "no").Because(io.EOF)),
	} {
		if got := pg.Fault(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestFaultCleansTheCauseOfAFault(t *testing.T) {
	t.Parallel()
	raw := &pq.Error{Code: "23505", Constraint: "handles_one", Message: value, Detail: value}
	mine := fault.New(fault.DecisionRefused, "ask for consent").Because(raw)
	mine.Step = 3
	got := pg.Fault(fmt.Errorf("relmgr.Correlate: %w", mine))
	f, ok := errors.AsType[*fault.Error](got)
	if !ok || f.Kind != fault.DecisionRefused || f.Step != 3 || f.Detail != "ask for consent" {
		t.Errorf("got %#v, want the same fault", got)
	}
	if strings.Contains(got.Error(), value) || pg.Constraint(got) != "handles_one" {
		t.Errorf("got %v, want the constraint and no value", got)
	}
	if errors.Unwrap(mine) != error(raw) {
		t.Error("the fault that came in was changed")
	}
}

// TestNoValueOfARealFailureIsShown has PostgreSQL itself write the messages.
func TestNoValueOfARealFailureIsShown(t *testing.T) {
	t.Parallel()
	db := things(t)
	exec(t, db, "insert into public.things values ($1)", value)
	for _, c := range []struct {
		statement  string
		arg        string
		want       fault.Kind
		constraint string
	}{
		{"insert into public.things values ($1)", value, fault.Conflict, "things_name"},
		{"insert into public.things values ('x', $1)", value + "x", fault.Invalid, "things_part_of"},
		{"insert into public.things values ($1)", value + strings.Repeat("x", 20), fault.Invalid, "things_short"},
		{"select $1::uuid", value, fault.Internal, ""},
	} {
		_, raw := db.Exec(c.statement, c.arg)
		if raw == nil || !strings.Contains(fmt.Sprintf("%+v", *raw.(*pq.Error)), value) {
			t.Errorf("%s: PostgreSQL quotes no value, so this proves nothing: %v", c.statement, raw)
		}
		got := pg.Fault(raw)
		if fault.KindOf(got) != c.want || pg.Constraint(got) != c.constraint || pg.Constraint(raw) != c.constraint {
			t.Errorf("%s: got %v, want %s of %q", c.statement, got, c.want, c.constraint)
		}
		if strings.Contains(got.Error(), value) {
			t.Errorf("%s: the value is shown: %v", c.statement, got)
		}
		inside := pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
			_, err := tx.Exec(c.statement, c.arg)
			return fmt.Errorf("store %s: %w", c.arg, err)
		})
		if fault.KindOf(inside) != c.want || strings.Contains(inside.Error(), value) {
			t.Errorf("%s in a transaction: got %v, want %s without the value", c.statement, inside, c.want)
		}
	}
}

func TestStatementTimeoutIsUnavailable(t *testing.T) {
	t.Parallel()
	db, err := pg.Open(t.Context(), pgtest.New(t).AdminDSN()+" statement_timeout=20ms")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err = db.Exec("select pg_sleep(9)"); fault.KindOf(pg.Fault(err)) != fault.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestCrossingAWallIsSeen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).DB(t, "consent")
	err := pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
		_, err := tx.Exec("select * from relmgr.cells")
		return err
	})
	if !pg.CrossedWall(err) || fault.KindOf(err) != fault.Internal {
		t.Errorf("got %v, want Internal that CrossedWall sees", err)
	}
}
