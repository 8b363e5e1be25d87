package federationapi

import (
	"encoding/json"
	"net/http"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/fault"
)

// statements are the operations by which the hub states what it states, by their paths: in
// JWTs, to whoever asks.
var statements = map[string]string{
	entity.WellKnown:             "readEntityConfiguration",
	federation.Prefix + "/fetch": "fetchStatement",
	federation.Prefix + "/list":  "listStatements",
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
		sub, err := only(r, "sub")
		if err != nil {
			return nil, "", err
		}
		text, err := h.service.About(ctx, sub)
		return []byte(text), entity.ContentType, err
	case "listStatements":
		if _, err := only(r, ""); err != nil {
			return nil, "", err
		}
		all, err := h.service.List(ctx)
		if err != nil {
			return nil, "", err
		}
		body, err = json.Marshal(all)
		return body, "application/json", err
	default:
		if _, err := only(r, ""); err != nil {
			return nil, "", err
		}
		text, err := h.service.Configuration(ctx)
		return []byte(text), entity.ContentType, err
	}
}

// only is the one query parameter that a request has, given once; with no name it has
// none.
func only(r *http.Request, name string) (string, error) {
	q := r.URL.Query()
	if name == "" && r.URL.RawQuery == "" {
		return "", nil
	}
	if name == "" || len(q) != 1 || len(q[name]) != 1 || len(q.Get(name)) > 2048 {
		return "", fault.New(fault.Malformed, "give exactly the query parameters that openapi.yaml names, each once")
	}
	return q.Get(name), nil
}
