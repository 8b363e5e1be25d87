package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

type contextKey int

const (
	requestKey contextKey = iota
	identityKey
	callerKey
	termsKey
	statementKey
	subjectKey
)

// Caller returns who asks and on which terms. It is there for whoever runs
// behind Secure; ok is false elsewhere, and behind AuthenticateOnly for a
// person who is not registered.
func Caller(ctx context.Context) (caller decide.Caller, ok bool) {
	caller, ok = ctx.Value(callerKey).(decide.Caller)
	return caller, ok
}

// SubjectOf returns the person who asks as themself. It is there for whoever runs
// behind SecureSubject; ok is false elsewhere.
func SubjectOf(ctx context.Context) (who decide.Subject, ok bool) {
	who, ok = ctx.Value(subjectKey).(decide.Subject)
	return who, ok
}

// StatementOf returns the registrar's statement that a request bears, as it came;
// empty for one that has not passed Bearing.
func StatementOf(ctx context.Context) string {
	statement, _ := ctx.Value(statementKey).(string)
	return statement
}

// IdentityOf returns what the verified token says; ok is false where no token
// has been verified.
func IdentityOf(ctx context.Context) (id Identity, ok bool) {
	id, ok = ctx.Value(identityKey).(Identity)
	return id, ok
}

// RequestID returns the id under which the logs have the request, empty
// outside an Edge.
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

// request is what the edge notes about one request as it passes through. One
// goroutine at a time holds it.
type request struct {
	id, duty, operation string
	log                 *slog.Logger
	practitioner        ident.Practitioner
	fault               *fault.Error // what the answer rests on, nil for an answer that is no problem
	logged              bool         // whether an Internal error has been logged
	wrote               bool         // whether the answer is on its way
	status              int
}

// requestOf returns the request's notes, fresh ones that lead nowhere outside
// an Edge.
func requestOf(ctx context.Context) *request {
	if req, ok := ctx.Value(requestKey).(*request); ok {
		return req
	}
	return &request{log: slog.New(slog.DiscardHandler)}
}

// answer notes that the request ends in f, and logs the error that f was read
// from, once, if f is Internal.
func (req *request) answer(ctx context.Context, f *fault.Error, err error) {
	req.fault = f
	if k, _ := kindOf(f.Kind); k == fault.Internal && !req.logged {
		req.logged = true
		logInternal(ctx, req, err)
	}
}

// response notes the status, and adds the headers that the generated code
// does not know of.
type response struct {
	http.ResponseWriter
	req *request
}

func (w *response) WriteHeader(status int) {
	if !w.req.wrote && status >= http.StatusOK {
		w.req.wrote, w.req.status = true, status
		if w.req.fault != nil && status >= http.StatusBadRequest {
			headersOf(w.Header(), w.req.fault)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if !w.req.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
