package federationapi

import (
	"encoding/json"
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
}

// NewStatements returns the handler of all of them.
func NewStatements(edge *api.Edge, service *federation.Service) http.Handler {
	h := &stating{service}
	return edge.Open("", func(r *http.Request) (string, string) { return statements[r.URL.Path], http.MethodGet }, http.HandlerFunc(h.serve))
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
