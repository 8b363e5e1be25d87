package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fame-hub/fame/internal/fault"
)

// unmatched is the operation of a request that matches none.
const unmatched = "none"

// Handler serves the operations of openapi.yaml below prefix ("/relmgr/v1")
// with the duty's handler. What the duty sees is within its limits, in the
// form that body.go and json.go describe, and of an operation that
// openapi.yaml has; all else is answered here.
func (e *Edge) Handler(prefix string, duty http.Handler) http.Handler {
	prefix = strings.TrimSuffix(prefix, "/")
	return e.enter(prefix, duty, func(w http.ResponseWriter, r *http.Request) *http.Request { return e.admit(w, r, prefix) })
}

// Open serves what is below prefix without a token, in forms that are not
// JSON: operation names the operation of a request and the one method that it
// takes. Limits, headers, log and problems are those of every other operation.
func (e *Edge) Open(prefix string, operation func(*http.Request) (name, method string), h http.Handler) http.Handler {
	return e.enter(prefix, h, func(w http.ResponseWriter, r *http.Request) *http.Request {
		if err := e.countAddress(r); err != nil {
			WriteProblem(w, r, err)
			return nil
		}
		if err := checkPath(r); err != nil {
			WriteProblem(w, r, err)
			return nil
		}
		name, method := operation(r)
		switch {
		case name == "":
			e.NotFound(w, r)
			return nil
		case method != r.Method:
			e.MethodNotAllowed(w, r, method)
			return nil
		}
		requestOf(r.Context()).operation = name
		r.Body = http.MaxBytesReader(w, r.Body, e.maxBody)
		return r
	})
}

// enter is around every request: its id, its headers, its time limit, its
// metrics and its line in the log. admit answers itself where it returns nil.
func (e *Edge) enter(prefix string, duty http.Handler, admit func(http.ResponseWriter, *http.Request) *http.Request) http.Handler {
	name, _, _ := strings.Cut(strings.TrimPrefix(prefix, "/"), "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := e.now()
		req := &request{id: newRequestID(), duty: name, operation: unmatched, log: e.log}
		w = &response{ResponseWriter: w, req: req}
		h := w.Header()
		h.Set("X-Request-Id", req.id) // one that came with the request is not believed
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")

		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), requestKey, req), e.timeout)
		defer cancel()
		r = r.WithContext(ctx)
		defer func() {
			aborted := e.recovered(w, r, recover())
			if !req.wrote && !aborted {
				req.status = http.StatusOK // as net/http answers for a handler that wrote nothing
			}
			took := e.now().Sub(started)
			e.metrics.count(req, took)
			e.logAccess(ctx, r.Method, req, took)
			if aborted {
				panic(http.ErrAbortHandler)
			}
		}()
		if next := admit(w, r); next != nil {
			duty.ServeHTTP(w, next)
		}
	})
}

// admit runs what comes before the duty, in this order, and answers itself
// where a step fails: it then returns nil.
func (e *Edge) admit(w http.ResponseWriter, r *http.Request, prefix string) *http.Request {
	req := requestOf(r.Context())
	// 1. Count the address, before any work is done for it.
	if err := e.countAddress(r); err != nil {
		WriteProblem(w, r, err)
		return nil
	}
	// 2. Find the operation: what the contract does not name is not served.
	if err := checkPath(r); err != nil {
		WriteProblem(w, r, err)
		return nil
	}
	op, values, methods := e.contract.find(prefix, r.Method, r.URL.Path)
	if op == nil {
		if len(methods) > 0 {
			e.MethodNotAllowed(w, r, strings.Join(methods, ","))
		} else {
			e.NotFound(w, r)
		}
		return nil
	}
	req.operation = op.id
	// 3. One token, before a body is read. The duty's Secure verifies it.
	if op.secured {
		if err := checkAuthorization(r.Header); err != nil {
			WriteProblem(w, r, err)
			return nil
		}
	}
	// 4. Path, query and body.
	if err := checkTarget(r, op, values); err != nil {
		WriteProblem(w, r, err)
		return nil
	}
	limit := e.maxBody
	if other, ok := e.maxBodies[op.id]; ok {
		limit = other
	}
	if err := e.contract.checkBody(w, r, op, limit); err != nil {
		WriteProblem(w, r, err)
		return nil
	}
	return r
}

// countAddress counts a request against its address.
func (e *Edge) countAddress(r *http.Request) error {
	if e.perAddress <= 0 {
		return nil
	}
	return e.addresses.take(AddressOf(r), e.perAddress, e.now())
}

// checkAuthorization wants one header with one bearer token (RFC 6750); the
// scheme's case does not matter (RFC 9110 section 11.1).
func checkAuthorization(h http.Header) error {
	given := h.Values("Authorization")
	if len(given) != 1 {
		return fault.New(fault.Unauthenticated, signInFirst)
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return fault.New(fault.Unauthenticated, signInFirst)
	}
	return nil
}

// recovered turns a panic into an Internal problem, and reports whether the
// connection must be cut because an answer was already on its way. The value
// of the panic may quote data: of it only a runtime error's words are logged.
func (e *Edge) recovered(w http.ResponseWriter, r *http.Request, p any) (abort bool) {
	if p == nil {
		return false
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return true
	}
	req := requestOf(r.Context())
	e.log.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("request", req.id), slog.String("duty", req.duty), slog.String("operation", req.operation),
		slog.String("cause", fault.OfPanic(p)), slog.String("stack", string(debug.Stack())))
	req.logged = true
	if req.wrote {
		return true
	}
	WriteProblem(w, r, fault.New(fault.Internal, "panic"))
	return false
}

// logAccess writes the one line that every request leaves: never a path, a
// query, a header, an address or a body.
func (e *Edge) logAccess(ctx context.Context, method string, req *request, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other" // a method is any word that the client likes
	}
	attrs := []slog.Attr{
		slog.String("request", req.id), slog.String("duty", req.duty), slog.String("operation", req.operation),
		slog.String("method", method), slog.Int("status", req.status), slog.Float64("ms", float64(took.Microseconds())/1000),
	}
	if req.practitioner != "" && !e.unnamed {
		attrs = append(attrs, slog.String("practitioner", string(req.practitioner)))
	}
	if req.fault != nil {
		attrs = append(attrs, slog.String("problem", string(req.fault.Kind)))
	}
	e.log.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

func newRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
