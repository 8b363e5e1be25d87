package federationapi

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/fault"
)

// statements are the operations by which the hub states what it states, by their paths: in
// JWTs, to whoever asks.
var statements = map[string]string{
	entity.WellKnown:                  "readEntityConfiguration",
	federation.Prefix + "/fetch":      "fetchStatement",
	federation.Prefix + "/list":       "listStatements",
	federation.Prefix + "/resolve":    "resolveEntity",
	federation.Prefix + "/registrars": "listRegistrarsOfFederation",
	federation.Prefix + "/reach":      "listReach",

	federation.Prefix + "/historical-keys": "listHistoricalKeys",

	federation.Prefix + "/trust-mark":        "readTrustMark",
	federation.Prefix + "/trust-mark-list":   "listTrustMarked",
	federation.Prefix + "/trust-mark-status": markStatus,
}

// markStatus is the one that is asked by a form.
const markStatus = "readTrustMarkStatus"

func methodOf(operation string) string {
	if operation == markStatus {
		return http.MethodPost
	}
	return http.MethodGet
}

// NewStatements returns the handler of all of them.
func NewStatements(edge *api.Edge, service *federation.Service) http.Handler {
	h := &stating{service}
	return edge.Open("", func(r *http.Request) (string, string) {
		return statements[r.URL.Path], methodOf(statements[r.URL.Path])
	}, http.HandlerFunc(h.serve))
}

type stating struct{ service *federation.Service }

func (h *stating) serve(w http.ResponseWriter, r *http.Request) {
	body, media, err := h.read(r)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", media)
	_, _ = w.Write(body) // the client may be gone: there is nobody left to tell
}

func (h *stating) read(r *http.Request) (body []byte, media string, err error) {
	ctx := r.Context()
	switch statements[r.URL.Path] {
	case "fetchStatement":
		q, err := queries(r, "sub")
		if err != nil {
			return nil, "", err
		}
		text, err := h.service.About(ctx, q.Get("sub"))
		return []byte(text), entity.ContentType, err
	case "resolveEntity":
		q, err := queries(r, "sub", "trust_anchor")
		if err != nil {
			return nil, "", err
		}
		text, err := h.service.Resolve(ctx, q.Get("sub"), q.Get("trust_anchor"))
		return []byte(text), federation.ResolveContentType, err
	case "listRegistrarsOfFederation":
		q, err := queries(r)
		if err != nil {
			if q, err = queries(r, "cursor"); err != nil {
				return nil, "", err
			}
		}
		text, err := h.service.Registrars(ctx, q.Get("cursor"))
		return []byte(text), registers.ContentType, err
	case "readTrustMark":
		q, err := queries(r, "trust_mark_type", "sub")
		if err != nil {
			return nil, "", err
		}
		text, err := h.service.TrustMark(ctx, q.Get("trust_mark_type"), q.Get("sub"))
		return []byte(text), entity.MarkContentType, err
	case "listTrustMarked":
		q, err := queries(r, "trust_mark_type")
		if err != nil {
			if q, err = queries(r, "trust_mark_type", "sub"); err != nil {
				return nil, "", err
			}
		}
		all, err := h.service.Marked(ctx, q.Get("trust_mark_type"), q.Get("sub"))
		if err != nil {
			return nil, "", err
		}
		body, err = json.Marshal(all)
		return body, "application/json", err
	case markStatus:
		mark, err := formOf(r)
		if err != nil {
			return nil, "", err
		}
		text, err := h.service.MarkStatus(ctx, mark)
		return []byte(text), entity.StatusContentType, err
	case "listReach":
		if _, err := queries(r); err != nil {
			return nil, "", err
		}
		text, err := h.service.Reach(ctx)
		return []byte(text), federation.ReachContentType, err
	case "listHistoricalKeys":
		if _, err := queries(r); err != nil {
			return nil, "", err
		}
		text, err := h.service.HistoricalKeys(ctx)
		return []byte(text), federation.HistoricalContentType, err
	case "listStatements":
		if _, err := queries(r); err != nil {
			return nil, "", err
		}
		all, err := h.service.List(ctx)
		if err != nil {
			return nil, "", err
		}
		body, err = json.Marshal(all)
		return body, "application/json", err
	default:
		if _, err := queries(r); err != nil {
			return nil, "", err
		}
		text, err := h.service.Configuration(ctx)
		return []byte(text), entity.ContentType, err
	}
}

// queries are the query parameters of a request: exactly those, each given once.
func queries(r *http.Request, names ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(q) != len(names) || r.URL.RawQuery != "" && len(q) == 0 {
		return nil, errQuery
	}
	for _, name := range names {
		if len(q[name]) != 1 || len(q.Get(name)) > 2048 || !utf8.ValidString(q.Get(name)) || strings.ContainsRune(q.Get(name), 0) {
			return nil, errQuery
		}
	}
	return q, nil
}

var errQuery = fault.New(fault.Malformed, "give exactly the query parameters that openapi.yaml names, each once")

// formOf is the mark that a form holds, and nothing else.
func formOf(r *http.Request) (string, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" || r.URL.RawQuery != "" {
		return "", errForm
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", errForm
	}
	q, err := url.ParseQuery(string(body))
	if err != nil || len(q) != 1 || len(q["trust_mark"]) != 1 {
		return "", errForm
	}
	return q.Get("trust_mark"), nil
}

var errForm = fault.New(fault.Malformed, "send a form with trust_mark, once")
