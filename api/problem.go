package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
)

// Problem is an RFC 9457 problem as openapi.yaml describes it. Nothing in it
// was sent by the caller.
type Problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail,omitempty"`
	Request string `json:"request"`
	Step    int    `json:"step,omitempty"`
	Asks    string `json:"consent_request,omitempty"`
	// Commitment is in hexadecimal.
	Commitment string         `json:"commitment,omitempty"`
	Errors     []ProblemField `json:"errors,omitempty"`
}

// ProblemField names one place in the request and what to write there.
type ProblemField struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// kind is how one kind of fault is told over HTTP.
type kind struct {
	status int
	title  string
	// challenge and retry say which header goes with it.
	challenge, retry bool
}

// kindOf is the one table from kinds to problems. A kind that it does not know
// is told as Internal; the test walks fault.Kinds so that there is none.
func kindOf(k fault.Kind) (fault.Kind, kind) {
	switch k {
	case fault.Malformed:
		return k, kind{status: http.StatusBadRequest, title: "The request is not in the form that this operation takes"}
	case fault.Invalid:
		return k, kind{status: http.StatusUnprocessableEntity, title: "A value in the request cannot be used"}
	case fault.TooLarge:
		return k, kind{status: http.StatusRequestEntityTooLarge, title: "The request is too large"}
	case fault.Unauthenticated:
		return k, kind{status: http.StatusUnauthorized, title: "You need to sign in", challenge: true}
	case fault.StepUp:
		return k, kind{status: http.StatusUnauthorized, title: "You need to sign in with more", challenge: true}
	case fault.NotRegistered:
		return k, kind{status: http.StatusForbidden, title: "You are not in the register of users"}
	case fault.Forbidden:
		return k, kind{status: http.StatusForbidden, title: "You may not do this"}
	case fault.DecisionRefused:
		return k, kind{status: http.StatusForbidden, title: "A step of the decision failed"}
	case fault.NotKnown:
		return k, kind{status: http.StatusNotFound, title: "There is nothing here that you may know of"}
	case fault.Conflict:
		return k, kind{status: http.StatusConflict, title: "This does not fit what is already recorded"}
	case fault.PairingUnusable:
		return k, kind{status: http.StatusConflict, title: "The pairing code cannot be used"}
	case fault.RateLimited:
		return k, kind{status: http.StatusTooManyRequests, title: "Too many requests", retry: true}
	case fault.Unavailable:
		return k, kind{status: http.StatusServiceUnavailable, title: "The service cannot answer now", retry: true}
	case fault.NotServed:
		return k, kind{status: http.StatusNotImplemented, title: "This process does not serve that operation"}
	default:
		return fault.Internal, kind{status: http.StatusInternalServerError, title: "Something went wrong on our side"}
	}
}

// ProblemOf turns an error into the problem that its caller is told. What is
// not a fault, and every Internal one, gives no detail.
func ProblemOf(err error, request string) Problem {
	return problemOf(faultOf(err, nil), request)
}

func problemOf(f *fault.Error, request string) Problem {
	k, how := kindOf(f.Kind)
	p := Problem{
		Type:    "docs/problems.md#" + string(k),
		Title:   how.title,
		Status:  how.status,
		Request: request,
	}
	if k == fault.Internal {
		return p
	}
	p.Detail, p.Step, p.Asks, p.Commitment = f.Detail, f.Step, f.Asks, hex.EncodeToString(f.Commitment)
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, ProblemField(field))
	}
	return p
}

// WriteProblem answers with the problem of err. Behind an Edge the answer
// carries the request's id, and an Internal error is logged, once.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	writeFault(w, r, faultOf(err, nil), err)
}

// writeFault answers with f, which was read from err.
func writeFault(w http.ResponseWriter, r *http.Request, f *fault.Error, err error) {
	req := requestOf(r.Context())
	req.answer(r.Context(), f, err)
	writeJSON(w, req, problemOf(f, req.id), f)
}

// writeJSON writes p, unless an answer is already on its way.
func writeJSON(w http.ResponseWriter, req *request, p Problem, f *fault.Error) {
	if req.wrote {
		return
	}
	body, err := json.Marshal(p)
	if err != nil { // a struct of strings and numbers: cannot happen
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	headersOf(h, f)
	w.WriteHeader(p.Status)
	w.Write(body) // the client may be gone: there is nobody left to tell
}

// headersOf sets the headers that go with a fault: the challenge of RFC 6750, or of
// RFC 9470 where signing in with more would do, and when to come back.
func headersOf(h http.Header, f *fault.Error) {
	_, how := kindOf(f.Kind)
	if how.challenge {
		h.Set("WWW-Authenticate", "Bearer")
		if f.ACR != "" {
			h.Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", acr_values="`+f.ACR+`"`)
		}
	}
	if how.retry {
		seconds := (f.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(max(seconds, 1)), 10))
	}
}

// logInternal writes what nobody is told. The driver's words are left out:
// they quote rows (pg.Fault).
func logInternal(ctx context.Context, req *request, err error) {
	attrs := []slog.Attr{
		slog.String("request", req.id), slog.String("duty", req.duty), slog.String("operation", req.operation),
		slog.String("cause", pg.Fault(err).Error()),
	}
	if pg.CrossedWall(err) {
		attrs = append(attrs, slog.String("alert", "crossed-wall"))
	}
	req.log.LogAttrs(ctx, slog.LevelError, "internal error", attrs...)
}
