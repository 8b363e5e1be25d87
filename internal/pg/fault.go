package pg

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// The SQLSTATEs that mean something to a duty. All others are Internal.
const (
	foreignKeyViolation   = "23503"
	uniqueViolation       = "23505"
	checkViolation        = "23514"
	exclusionViolation    = "23P01"
	serialisationFailure  = "40001"
	deadlockDetected      = "40P01"
	insufficientPrivilege = "42501"
	lockNotAvailable      = "55P03"
	queryCancelled        = "57014"
)

// Busy reports whether a statement that waits for nobody found that somebody else
// holds what it wanted to lock (55P03).
func Busy(err error) bool { return sqlState(err) == lockNotAvailable }

// Fault reads an error of the driver once, by SQLSTATE:
//
//	23505 23P01                         Conflict
//	23503 23514                         Invalid
//	40001 40P01 55P03 57014             Unavailable, with RetryAfter
//	57P01 57P02 57P03 08xxx 53xxx       Unavailable, with RetryAfter
//	no connection, deadline, cancelled  Unavailable, with RetryAfter
//	42501                               Internal, and CrossedWall
//	any other SQLSTATE                  Internal
//
// The result never holds a value: details are fixed text, and the cause is
// the SQLSTATE with the constraint's name, without the driver's message. For
// that reason nothing that wraps an error of the driver survives, not even
// its text. A fault keeps its kind and its detail. Anything else, sql.ErrNoRows
// among it, comes back unchanged; nil stays nil.
func Fault(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		if _, ok := errors.AsType[*pq.Error](err); !ok {
			return err
		}
		clean := *f
		return clean.Because(bare(err))
	}
	code := sqlState(err)
	switch {
	case code == uniqueViolation || code == exclusionViolation:
		return fault.New(fault.Conflict,
			"this is already stored, or another change came first: read it again").Because(bare(err))
	case code == foreignKeyViolation:
		return fault.New(fault.Invalid,
			"this names something that is not stored, or something still in use").Because(bare(err))
	case code == checkViolation:
		return fault.New(fault.Invalid,
			"a value is outside what may be stored").Because(bare(err))
	case code == serialisationFailure || code == deadlockDetected || code == lockNotAvailable,
		errors.Is(err, ErrRetry):
		return busy().Because(bare(err))
	case code == insufficientPrivilege:
		return fault.New(fault.Internal,
			"a duty asked the database for what is not its own").Because(bare(err))
	case code == queryCancelled:
		return away("the database took too long: try again").Because(bare(err))
	case code == "" && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		return away("there was no time left to ask the database: try again").Because(err)
	case lost(err):
		return away("the database cannot be reached: try again").Because(bare(err))
	case code != "":
		return fault.New(fault.Internal, "the database refused a statement").Because(bare(err))
	}
	return err
}

// CrossedWall reports whether err is a duty's attempt at what its role may not
// do (42501). Whoever logs it raises the alert: either a grant is missing from
// sql/roles.sql or a process is not what it says.
func CrossedWall(err error) bool { return sqlState(err) == insufficientPrivilege }

// Constraint returns the name of the constraint or unique index that err
// breaks, empty when it breaks none. It reads an error of the driver and what
// Fault makes of one.
func Constraint(err error) string {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return e.Constraint
	}
	if s, ok := errors.AsType[*state](err); ok {
		return s.constraint
	}
	return ""
}

// state is all that may be known of a failed statement.
type state struct{ code, constraint string }

func (s *state) Error() string {
	text := "SQLSTATE " + s.code
	if name := pqerror.Code(s.code).Name(); name != "" {
		text += " " + name
	}
	if s.constraint != "" {
		text += ", constraint " + s.constraint
	}
	return text
}

// bare replaces an error of the driver, and all that wraps it, by its state.
// Other errors come back unchanged.
func bare(err error) error {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return &state{string(e.Code), e.Constraint}
	}
	return err
}

// sqlState is the SQLSTATE of err, empty when it has none.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return string(e.Code)
	}
	if s, ok := errors.AsType[*state](err); ok {
		return s.code
	}
	return ""
}

// lost reports whether err means that the connection, or the server, is away.
// lib/pq turns every FATAL after the handshake into driver.ErrBadConn.
func lost(err error) bool {
	if c := sqlState(err); c != "" {
		return c == "57P01" || c == "57P02" || c == "57P03" ||
			strings.HasPrefix(c, "08") || strings.HasPrefix(c, "53")
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

func busy() *fault.Error {
	return away("others are changing the same thing: try again")
}

func away(detail string) *fault.Error {
	f := fault.New(fault.Unavailable, "%s", detail)
	f.RetryAfter = retryAfter
	return f
}
