package governanceapi

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
)

// logServer serves a log of n leaves.
func logServer(t *testing.T, n int) (url, vkey string) {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	base := pgtest.New(t)
	db := base.DB(t, "governance")
	log, err := ledger.New(t.Context(), ledger.Config{DB: db, Keys: keys, Now: time.Now, Hub: "https://hub.example", Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	_, err = base.Admin(t).Exec("insert into ledger.pending select sha256(int8send(i)) from generate_series(1, $1::bigint) i", n)
	must(t, err)
	_, _, err = log.Sequence(t.Context())
	must(t, err)
	edge, err := api.New(api.Config{DB: db, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), OpenAPI: fame.OpenAPI})
	must(t, err)
	srv := httptest.NewServer(NewLog(edge, log))
	t.Cleanup(srv.Close)
	return srv.URL, log.VerifierKey()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// head is what came before a body that has been read.
type head struct {
	StatusCode int
	Header     http.Header
}

func fetch(t *testing.T, url string) (head, []byte) {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return head{resp.StatusCode, resp.Header}, body
}

func get(t *testing.T, url, media string) []byte {
	t.Helper()
	resp, body := fetch(t, url)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != media {
		t.Fatalf("%d %s: %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	return body
}

// ACT-09: with nothing but the files that are served and the public key, an
// outsider rebuilds the tree, finds each entry in its tile, and arrives at the
// signed root.
func TestTheLogIsServedAsC2SPHasIt(t *testing.T) {
	t.Parallel()
	const leaves = 6*256 + 156 // six full tiles and a part of one
	url, vkey := logServer(t, leaves)
	v, err := note.NewVerifier(vkey)
	must(t, err)
	n, err := note.Open(get(t, url+"/log/v1/checkpoint", plain), note.VerifierList(v))
	must(t, err)
	lines := strings.Split(n.Text, "\n")
	if lines[0] != "hub.example/log/v1" || lines[1] != fmt.Sprint(leaves) {
		t.Fatalf("the checkpoint is %q", n.Text)
	}
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	var upper, first []byte
	for i := 0; i*256 < leaves; i++ {
		name := fmt.Sprintf("%03d", i)
		if width := leaves - i*256; width < 256 {
			name += fmt.Sprintf(".p/%d", width)
		}
		entries, tile := get(t, url+"/log/v1/tile/entries/"+name, octets), get(t, url+"/log/v1/tile/0/"+name, octets)
		for ; len(entries) > 0; entries, tile = entries[2+32:], tile[32:] {
			if binary.BigEndian.Uint16(entries) != 32 {
				t.Fatal("an entry is no commitment")
			}
			hash := rfc6962.DefaultHasher.HashLeaf(entries[2 : 2+32])
			if string(hash) != string(tile[:32]) {
				t.Fatal("an entry does not hash to its place in the tile")
			}
			if first == nil {
				first = entries[2 : 2+32]
			}
			must(t, tree.Append(hash, nil))
		}
		if (i+1)*256 <= leaves {
			whole := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
			full := get(t, url+"/log/v1/tile/0/"+fmt.Sprintf("%03d", i), octets)
			for ; len(full) > 0; full = full[32:] {
				must(t, whole.Append(full[:32], nil))
			}
			root, err := whole.GetRootHash(nil)
			must(t, err)
			upper = append(upper, root...)
		}
	}
	root, err := tree.GetRootHash(nil)
	must(t, err)
	if base64.StdEncoding.EncodeToString(root) != lines[2] {
		t.Error("the entries do not hash to the signed root")
	}
	if got := get(t, fmt.Sprintf("%s/log/v1/tile/1/000.p/%d", url, leaves/256), octets); string(got) != string(upper) {
		t.Error("the upper tile is not made of the roots of the full tiles")
	}
	if got := get(t, url+"/log/v1/tile/0/000.p/3", octets); len(got) != 96 {
		t.Errorf("a narrower tile has %d bytes", len(got))
	}

	var p proof.TLogProof
	must(t, p.Unmarshal(get(t, url+"/log/v1/proofs/inclusion?commitment="+hex.EncodeToString(first), plain)))
	var path [][]byte
	for i := range p.Hashes {
		path = append(path, p.Hashes[i][:])
	}
	must(t, merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, leaves, rfc6962.DefaultHasher.HashLeaf(first), path, root))
	if body := string(get(t, url+"/log/v1/proofs/consistency?from=1", plain)); !strings.HasPrefix(body, "old 1\n") || !strings.Contains(body, "\n\nhub.example/log/v1\n") {
		t.Errorf("the consistency proof is %q", body)
	}
}

// Nothing that is sent to the log brings a 500, a token or an echo out of it.
func TestWhatTheLogDoesNotServe(t *testing.T) {
	t.Parallel()
	url, _ := logServer(t, 300)
	hash := strings.Repeat("ab", 32)
	for path, want := range map[string]int{
		"/log/v1": 404, "/log/v1/": 404, "/log/v1/nothing": 404, "/log/v1/checkpoint/": 404, "/log/v1/checkpoint?x=y": 400, "/log/v1/checkpoint?%zz": 400,
		"/log/v1/tile/0/000.p/0": 404, "/log/v1/tile/0/000.p/256": 404, "/log/v1/tile/0/000.p/01": 404, "/log/v1/tile/0/001.p/45": 404,
		"/log/v1/tile/0/001": 404, "/log/v1/tile/0/0": 404, "/log/v1/tile/00/000": 404, "/log/v1/tile/8/000": 404, "/log/v1/tile/63/000": 404,
		"/log/v1/tile/0/x000/000": 404, "/log/v1/tile/0/x999/x999/x999/x999/x999/999": 404, "/log/v1/tile/-1/000": 404, "/log/v1/tile/0/001.p/44?x": 400,
		"/log/v1/tile/entries/001": 404, "/log/v1/tile/entries/001.p/45": 404, "/log/v1/tile/entries/999": 404, "/log/v1/tile/entries/000%2f": 400,
		"/log/v1/proofs/inclusion": 400, "/log/v1/proofs/inclusion?commitment=": 400, "/log/v1/proofs/inclusion?commitment=" + hash: 404,
		"/log/v1/proofs/inclusion?commitment=" + strings.ToUpper(hash): 400, "/log/v1/proofs/inclusion?commitment=" + hash + "&commitment=" + hash: 400,
		"/log/v1/proofs/consistency": 400, "/log/v1/proofs/consistency?from=-1": 400, "/log/v1/proofs/consistency?from=01": 400,
		"/log/v1/proofs/consistency?from=301": 422, "/log/v1/proofs/consistency?from=9223372036854775808": 400, "/log/v1/proofs/consistency?to=1": 400,
	} {
		resp, body := fetch(t, url+path)
		if resp.StatusCode != want || resp.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(string(body), "abab") {
			t.Errorf("%s: %d %s %s, want %d", path, resp.StatusCode, resp.Header.Get("Content-Type"), body, want)
		}
		if resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a problem may be cached", path)
		}
	}
	resp, err := http.Post(url+"/log/v1/checkpoint", "text/plain", strings.NewReader("x"))
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET" {
		t.Errorf("POST: %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	for path, want := range map[string]string{"/log/v1/checkpoint": fresh, "/log/v1/tile/0/000": immutable} {
		if resp, _ := fetch(t, url+path); resp.Header.Get("Cache-Control") != want {
			t.Errorf("%s: Cache-Control %q, want %q", path, resp.Header.Get("Cache-Control"), want)
		}
	}
}

// A path has one form: what is read writes itself again.
func FuzzTilePath(f *testing.F) {
	for _, p := range []string{"/tile/0/000", "/tile/entries/x001/x234/067.p/255", "/tile/7/x001/000", "/tile/00/000", "/tile/0/x000/000", "/tile/0/000.p/0"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		p, ok := parseTilePath(path)
		if !ok {
			return
		}
		want := "/tile/" + fmt.Sprint(p.level) + "/"
		if p.entries {
			want = "/tile/entries/"
		}
		number := fmt.Sprintf("%03d", p.number%1000)
		for n := p.number / 1000; n > 0; n /= 1000 {
			number = fmt.Sprintf("x%03d/", n%1000) + number
		}
		if want += number; p.width < 256 {
			want += fmt.Sprintf(".p/%d", p.width)
		}
		if want != path {
			t.Errorf("%q is read as %q", path, want)
		}
	})
}
