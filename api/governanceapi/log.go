package governanceapi

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/internal/fault"
)

// NewLog returns the handler of everything below ledger.Prefix. The formats are
// C2SP's, plain text and tiles, so the generated code has no part in it; who
// asks is not asked: a commitment means nothing to whoever lacks its record.
func NewLog(edge *api.Edge, log *ledger.Log) http.Handler {
	h := &logHandler{log}
	return edge.Open(ledger.Prefix, operationOf, http.HandlerFunc(h.serve))
}

type logHandler struct{ log *ledger.Log }

// The operations, by the names that openapi.yaml has for them.
const (
	opCheckpoint  = "readCheckpoint"
	opInclusion   = "proveInclusion"
	opConsistency = "proveConsistency"
	opTile        = "readTile"
	opAdd         = "addCheckpoint"
)

// operationOf names the operation of a request, and the method that it takes;
// empty where nothing is served.
func operationOf(r *http.Request) (operation, method string) {
	switch path := strings.TrimPrefix(r.URL.Path, ledger.Prefix); {
	case path == "/checkpoint":
		return opCheckpoint, http.MethodGet
	case path == "/proofs/inclusion":
		return opInclusion, http.MethodGet
	case path == "/proofs/consistency":
		return opConsistency, http.MethodGet
	case path == "/add-checkpoint":
		return opAdd, http.MethodPost
	case strings.HasPrefix(path, "/tile/"):
		return opTile, http.MethodGet
	}
	return "", ""
}

func (h *logHandler) serve(w http.ResponseWriter, r *http.Request) {
	if op, _ := operationOf(r); op == opAdd {
		h.addCheckpoint(w, r)
		return
	}
	body, media, cache, err := h.read(r)
	if err != nil {
		api.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", cache)
	_, _ = w.Write(body) // the client may be gone: there is nobody left to tell
}

// addCheckpoint is C2SP tlog-witness: 200 with the cosignature, 409 with the size
// that has been cosigned; every other answer is a problem.
func (h *logHandler) addCheckpoint(w http.ResponseWriter, r *http.Request) {
	err := oneQuery(r)
	var body []byte
	if err == nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			err = fault.New(fault.TooLarge, "send the proof and one checkpoint, and no more signatures than it needs")
		}
	}
	var v ledger.Verdict
	if err == nil {
		v, err = h.log.AddCheckpoint(r.Context(), body)
	}
	switch {
	case err != nil:
		api.WriteProblem(w, r, err)
	case v.Stale:
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(w, "%d\n", v.Size)
	default:
		w.Header().Set("Content-Type", plain)
		_, _ = w.Write(v.Cosignature)
	}
}

const (
	plain     = "text/plain; charset=utf-8"
	octets    = "application/octet-stream"
	fresh     = "no-cache"
	immutable = "public, max-age=31536000, immutable"
)

func (h *logHandler) read(r *http.Request) (body []byte, media, cache string, err error) {
	ctx := r.Context()
	switch op, _ := operationOf(r); op {
	case opCheckpoint:
		if err := oneQuery(r); err != nil {
			return nil, "", "", err
		}
		body, err = h.log.Checkpoint(ctx)
	case opInclusion:
		text, err := query(r, "commitment")
		if err != nil {
			return nil, "", "", err
		}
		commitment, err := hex.DecodeString(text)
		if err != nil || len(commitment) != 32 || text != strings.ToLower(text) {
			return nil, "", "", fault.New(fault.Malformed, "give the commitment as the answer had it: 64 digits and small letters a to f")
		}
		body, err = h.log.Inclusion(ctx, [32]byte(commitment))
		return body, plain, fresh, err
	case opConsistency:
		text, err := query(r, "from")
		if err != nil {
			return nil, "", "", err
		}
		size, ok := decimal(text)
		if !ok {
			return nil, "", "", fault.New(fault.Malformed, "give from as a number of leaves")
		}
		body, err = h.log.Consistency(ctx, size)
		return body, plain, fresh, err
	default:
		if err := oneQuery(r); err != nil {
			return nil, "", "", err
		}
		t, ok := parseTilePath(strings.TrimPrefix(r.URL.Path, ledger.Prefix))
		if !ok {
			return nil, "", "", fault.New(fault.NotKnown, "tiles stand at tile/<level>/<number>[.p/<width>] and tile/entries/<number>[.p/<width>]: see C2SP tlog-tiles")
		}
		if t.entries {
			body, err = h.log.Entries(ctx, t.number, t.width)
		} else {
			body, err = h.log.Tile(ctx, t.level, t.number, t.width)
		}
		return body, octets, immutable, err
	}
	return body, plain, fresh, err
}

// oneQuery refuses every query parameter but those named, each given once.
func oneQuery(r *http.Request, names ...string) error {
	q := r.URL.Query()
	if len(q) != len(names) || r.URL.RawQuery != "" && len(q) == 0 {
		return errQuery
	}
	for _, name := range names {
		if len(q[name]) != 1 {
			return errQuery
		}
	}
	return nil
}

var errQuery = fault.New(fault.Malformed, "give exactly the query parameters that openapi.yaml names, each once")

func query(r *http.Request, name string) (string, error) {
	if err := oneQuery(r, name); err != nil {
		return "", err
	}
	return r.URL.Query().Get(name), nil
}

// decimal reads a number that fits a size, without sign or leading zeros.
func decimal(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == s
}

// tilePath is which tile a path names.
type tilePath struct {
	entries bool
	level   int
	number  int64
	width   int
}

var tilePattern = regexp.MustCompile(`^/tile/(entries|[0-9]{1,2})((?:/x[0-9]{3}){0,5}/[0-9]{3})(?:\.p/([0-9]{1,3}))?$`)

// parseTilePath reads a path of C2SP tlog-tiles in its one form.
func parseTilePath(path string) (t tilePath, ok bool) {
	m := tilePattern.FindStringSubmatch(path)
	if m == nil {
		return t, false
	}
	if t.entries = m[1] == "entries"; !t.entries {
		level, ok := decimal(m[1])
		if !ok || level > 7 { // 256**8 leaves fill more than any log here can count
			return t, false
		}
		t.level = int(level)
	}
	if strings.HasPrefix(m[2], "/x000") {
		return t, false
	}
	digits := strings.NewReplacer("/x", "", "/", "").Replace(m[2])
	number, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || number > 1<<47 {
		return t, false
	}
	t.number, t.width = number, 256
	if m[3] != "" {
		width, ok := decimal(m[3])
		if !ok || width < 1 || width > 255 {
			return t, false
		}
		t.width = int(width)
	}
	return t, true
}
