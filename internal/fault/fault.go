package fault

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// Kind says what sort of thing went wrong. The set is closed: api/problem.go
// maps each to one status and one problem type.
type Kind string

// The kinds.
const (
	Malformed       Kind = "malformed"        // the request is not the shape openapi.yaml asks for
	Invalid         Kind = "invalid"          // the shape is right, a value cannot be used
	TooLarge        Kind = "too-large"        // the body is over the limit
	Unauthenticated Kind = "unauthenticated"  // no token, or one that does not verify
	StepUp          Kind = "step-up"          // signed in, but not as strongly as this needs
	NotRegistered   Kind = "not-registered"   // a verified person who is not in the register of users
	Forbidden       Kind = "forbidden"        // something public about the caller forbids it
	DecisionRefused Kind = "decision-refused" // one of the four steps failed on the caller's own side
	NotKnown        Kind = "not-known"        // no such thing, or none that the caller may know of
	Conflict        Kind = "conflict"         // the caller's own state already says otherwise
	PairingUnusable Kind = "pairing-unusable" // a pairing code that cannot be used, for whatever reason
	RateLimited     Kind = "rate-limited"     // too many requests; RetryAfter says when
	Unavailable     Kind = "unavailable"      // the database is away; RetryAfter says when
	NotServed       Kind = "not-served"       // this process does not serve that operation
	Internal        Kind = "internal"         // ours; logged with the request id, explained to nobody
)

// Kinds lists every kind, for tests that walk the problem table.
var Kinds = []Kind{
	Malformed, Invalid, TooLarge, Unauthenticated, StepUp, NotRegistered, Forbidden, DecisionRefused,
	NotKnown, Conflict, PairingUnusable, RateLimited, Unavailable, NotServed, Internal,
}

// Field names one place in a request (RFC 6901 pointer) and what to write
// there. It never carries the value that was there.
type Field struct {
	Pointer string
	Detail  string
}

// Error is a fault: a kind, a sentence for the caller, and a cause for the log.
type Error struct {
	Kind       Kind
	Detail     string        // what to do next; safe to show
	Step       int           // 1 to 4 for DecisionRefused, else 0
	ACR        string        // for StepUp: how strongly to sign in
	Asks       string        // for DecisionRefused: the request for the one consent that it lacks
	Commitment []byte        // for DecisionRefused: under which the ledger keeps the refusal
	Fields     []Field       // for Malformed and Invalid
	RetryAfter time.Duration // for RateLimited and Unavailable
	cause      error
}

// Error is for logs; it includes the cause, which the edge never shows.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Detail, e.cause)
	}
	return string(e.Kind) + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// New makes a fault of the kind; detail says what to do.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// At makes an Invalid fault that names one place in the request.
func At(pointer, format string, args ...any) *Error {
	detail := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Detail: detail, Fields: []Field{{pointer, detail}}}
}

// NeedsStepUp is StepUp: what the caller asks needs a sign-in as strong as acr says.
func NeedsStepUp(acr string) *Error {
	f := New(StepUp, "sign in again with more, by acr_values=%s, and ask with what you are given then", acr)
	f.ACR = acr
	return f
}

// Because attaches the cause that the log shows.
func (e *Error) Because(cause error) *Error { e.cause = cause; return e }

// Panicked is Internal, with what may be said of the panic and its stack as the
// cause. Call it where the panic was recovered.
func Panicked(detail string, p any) *Error {
	return New(Internal, "%s", detail).Because(fmt.Errorf("%s\n%s", OfPanic(p), debug.Stack()))
}

// OfPanic is what may be logged of the value of a panic, which may hold what was
// asked: a runtime error's words, or its type.
func OfPanic(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a panic with a value of type %T", p)
}

// KindOf returns the kind of err, Internal for anything that is not a fault.
func KindOf(err error) Kind {
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// Wrap prefixes *err with where it happened and keeps its kind. Use it as the
// first line of a service method: defer fault.Wrap(&err, "relmgr.Publish").
func Wrap(err *error, where string) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", where, *err)
	}
}
