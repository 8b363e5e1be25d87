package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// peer is a log of the tests' own, with no database: it can lie.
type peer struct {
	t      *testing.T
	signer note.Signer
	vkey   string
}

func newPeer(t *testing.T, origin string) *peer {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, origin)
	must(t, err)
	s, err := note.NewSigner(skey)
	must(t, err)
	return &peer{t, s, vkey}
}

// story is a tree: what its leaves are made of, and how many there are.
type story struct {
	seed int
	size int64
}

func (s story) hashes() tlog.HashReader {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	for n := range s.size {
		more, err := tlog.StoredHashes(n, leafOf(s.seed+int(n)), read)
		if err != nil {
			panic(err)
		}
		stored = append(stored, more...)
	}
	return read
}

// note is the checkpoint of a story.
func (p *peer) note(s story) string {
	p.t.Helper()
	root, err := tlog.TreeHash(s.size, s.hashes())
	must(p.t, err)
	signed, err := signNote(checkpoint{p.signer.Name(), s.size, root}.text(), p.signer)
	must(p.t, err)
	return signed
}

// body asks a witness to go from old to the story, with the story's own proof.
func (p *peer) body(old int64, s story) []byte {
	p.t.Helper()
	var proof []tlog.Hash
	if old > 0 && old < s.size {
		var err error
		proof, err = tlog.ProveTree(s.size, old, s.hashes())
		must(p.t, err)
	}
	return addCheckpointBody(old, proof, p.note(s))
}

// witness is a hub that witnesses the peer.
func witness(t *testing.T, p *peer, name string) (*hub, *[]SplitView) {
	t.Helper()
	h := setup(t)
	h.now = func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }
	seen := new([]SplitView)
	var mu sync.Mutex
	l, err := New(t.Context(), Config{
		DB: h.db, Keys: h.keys, Now: h.now, Hub: name, Logger: slog.New(slog.DiscardHandler), Peers: []string{p.vkey},
		Alarm: func(ctx context.Context, tx *sql.Tx, v SplitView) (ident.ActID, error) {
			mu.Lock()
			defer mu.Unlock()
			*seen = append(*seen, v)
			id := ident.NewAct()
			_, err := tx.ExecContext(ctx, `insert into governance.acts values ($1, 'split-view', now(), 'the-hub', 'the-hub', 'witness', 1, '', '')`, id)
			return id, err
		},
	})
	must(t, err)
	h.Log = l
	return h, seen
}

// C2SP tlog-witness: each rule, in its order, with its status; and a cosignature
// that another's code verifies.
func TestAWitnessFollowsTheRules(t *testing.T) {
	t.Parallel()
	p, stranger := newPeer(t, "peer.example/log/v1"), newPeer(t, "stranger.example/log/v1")
	impostor := newPeer(t, "peer.example/log/v1")
	h, seen := witness(t, p, hubURL)
	ctx := t.Context()
	refused := func(what string, body []byte, want fault.Kind) {
		t.Helper()
		if v, err := h.AddCheckpoint(ctx, body); fault.KindOf(err) != want || len(v.Cosignature) > 0 {
			t.Errorf("%s: %+v, %v, want %s", what, v, err, want)
		}
	}
	stale := func(what string, body []byte, size int64) {
		t.Helper()
		if v, err := h.AddCheckpoint(ctx, body); err != nil || !v.Stale || v.Size != size || len(v.Cosignature) > 0 {
			t.Errorf("%s: %+v, %v, want 409 with %d", what, v, err, size)
		}
	}
	cosigned := func(what string, body []byte) {
		t.Helper()
		v, err := h.AddCheckpoint(ctx, body)
		if err != nil || v.Stale {
			t.Fatalf("%s: %+v, %v", what, v, err)
		}
		key, err := WitnessVerifierKey(ctx, h.keys, hubURL)
		must(t, err)
		verifier, err := f_note.NewVerifierForCosignatureV1(key)
		must(t, err)
		_, signed, _ := bytes.Cut(body, []byte("\n\n"))
		n, err := note.Open(append(bytes.Clone(signed), v.Cosignature...), note.VerifierList(verifier))
		must(t, err)
		at, err := f_note.CoSigV1Timestamp(n.Sigs[0])
		if err != nil || !at.Equal(h.now()) || len(n.Sigs) != 1 {
			t.Errorf("%s: cosigned %v (%v)", what, at, err)
		}
	}
	truth, lie := func(n int64) story { return story{0, n} }, func(n int64) story { return story{100_000, n} }

	refused("an unknown log", stranger.body(0, truth(5)), fault.NotKnown)
	refused("another's signature", impostor.body(0, truth(5)), fault.Forbidden)
	refused("no signature", []byte("old 0\n\n"+strings.SplitAfter(p.note(truth(5)), "\n\n")[0]+"\n"), fault.Malformed)
	refused("an old size that is larger", p.body(6, truth(5)), fault.Malformed)
	stale("an old size before there is any", p.body(3, truth(5)), 0)
	refused("a proof from nothing", addCheckpointBody(0, []tlog.Hash{{}}, p.note(truth(5))), fault.Invalid)
	cosigned("the first", p.body(0, truth(5)))
	cosigned("the same again", p.body(5, truth(5)))
	stale("from nothing again", p.body(0, truth(9)), 5)
	cosigned("a larger one", p.body(5, truth(9)))
	stale("a smaller one", p.body(4, truth(8)), 9)
	if n := len(*seen); n != 1 { // the proof from nothing
		t.Errorf("%d split views by now", n)
	}
	extra := signedTwice(t, p, stranger, truth(12))
	cosigned("with a signature of somebody unknown", []byte(strings.Replace(string(p.body(9, truth(12))), p.note(truth(12)), extra, 1)))

	*seen = nil
	stale("another root of that size", p.body(12, lie(12)), 12)
	stale("the same lie again", p.body(0, lie(12)), 12)
	if len(*seen) != 1 || (*seen)[0].Size != 12 || (*seen)[0].Held != extra || (*seen)[0].Note != p.note(lie(12)) {
		t.Errorf("the split view is kept as %+v", *seen)
	}
	refused("a tree that did not grow out of it", p.body(12, lie(20)), fault.Invalid)
	if len(*seen) != 2 || h.count("select count(*) from ledger.split_views") != 3 {
		t.Errorf("%d split views, %d kept", len(*seen), h.count("select count(*) from ledger.split_views"))
	}
	cosigned("the truth goes on", p.body(12, truth(20)))

	for _, back := range []string{"size = 19", "root = sha256('x')", "origin = 'x'"} {
		if _, err := h.admin.Exec("update ledger.witnessed set " + back); err == nil {
			t.Errorf("a witness forgets: %s", back)
		}
	}
}

func signedTwice(t *testing.T, p, other *peer, s story) string {
	t.Helper()
	n, err := note.Open([]byte(p.note(s)), note.VerifierList(mustVerifier(t, p.vkey)))
	must(t, err)
	signed, err := note.Sign(&note.Note{Text: n.Text}, p.signer, other.signer)
	must(t, err)
	return string(signed)
}

func mustVerifier(t *testing.T, vkey string) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	must(t, err)
	return v
}

// Of many requests at once one wins each size: nobody is given cosignatures of
// two trees of one size, and what was cosigned never goes back.
func TestAWitnessOfManyAtOnceTellsOneStory(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "peer.example/log/v1")
	h, _ := witness(t, p, hubURL)
	_, err := h.AddCheckpoint(t.Context(), p.body(0, story{0, 4}))
	must(t, err)
	bodies := [][]byte{}
	for n := int64(5); n < 13; n++ {
		bodies = append(bodies, p.body(4, story{0, n}))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for _, body := range bodies {
		wg.Go(func() {
			v, err := h.AddCheckpoint(t.Context(), body)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !v.Stale {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d of 8 that start from one size were cosigned, want 1", won)
	}
}

// serveWitness serves add-checkpoint as api/governanceapi does.
func serveWitness(t *testing.T, l *Log) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v, err := l.AddCheckpoint(r.Context(), body)
		switch {
		case err != nil:
			w.WriteHeader(map[fault.Kind]int{fault.NotKnown: 404, fault.Forbidden: 403, fault.Invalid: 422}[fault.KindOf(err)])
		case v.Stale:
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, "%d\n", v.Size)
		default:
			w.Write(v.Cosignature)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

// witnessedBy opens the hub's log again, witnessed by the URLs.
func (h *hub) witnessedBy(quorum int, ws ...Witness) *Log {
	h.t.Helper()
	l, err := New(h.t.Context(), Config{
		DB: h.db, Keys: h.keys, Now: h.now, Hub: hubURL, Logger: slog.New(slog.DiscardHandler), Witnesses: ws, Quorum: quorum,
	})
	must(h.t, err)
	return l
}

// The checkpoint that is served carries the cosignatures of a quorum; while a
// quorum is away the last that had one is served, and after a while the newest;
// proofs of new commitments never wait for it.
func TestWhatIsServedIsWhatAQuorumHasSeen(t *testing.T) {
	t.Parallel()
	h := setup(t)
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	h.now = func() time.Time { return at }
	us := &peer{t: t, vkey: h.VerifierKey()}
	var ws []Witness
	var servers []*httptest.Server
	for range 2 {
		name := fmt.Sprintf("https://w%d.example", len(ws))
		w, _ := witness(t, us, name)
		srv := serveWitness(t, w.Log)
		servers = append(servers, srv)
		key, err := WitnessVerifierKey(t.Context(), w.keys, name)
		must(t, err)
		ws = append(ws, Witness{URL: srv.URL + "/", Key: key})
	}
	l := h.witnessedBy(2, ws...)
	h.flood(3)
	h.sequence()
	must(t, l.askAll(t.Context()))
	signatures := func() (size uint64, n int) {
		t.Helper()
		signed, err := l.Checkpoint(t.Context())
		must(t, err)
		list := []note.Verifier{l.signer}
		for _, w := range l.witnesses {
			list = append(list, w.verifier)
		}
		opened, err := note.Open(signed, note.VerifierList(list...))
		must(t, err)
		size, _ = h.verified(signed)
		return size, len(opened.Sigs)
	}
	if size, n := signatures(); size != 3 || n != 3 {
		t.Errorf("served is %d leaves with %d signatures, want 3 with 3", size, n)
	}
	servers[1].Close()
	h.flood(4)
	h.sequence()
	at = at.Add(time.Second)
	must(t, l.askAll(t.Context()))
	if size, n := signatures(); size != 3 || n != 3 {
		t.Errorf("without a quorum served is %d leaves with %d signatures, want the last that had one", size, n)
	}
	if _, err := l.Inclusion(t.Context(), [32]byte(leafOf(6))); err != nil {
		t.Errorf("a proof waits for witnesses: %v", err)
	}
	at = at.Add(patience)
	if size, n := signatures(); size != 7 || n != 2 || l.WitnessLag() < patience {
		t.Errorf("after a while served is %d leaves with %d signatures, lag %v", size, n, l.WitnessLag())
	}
	// Another process knows from the database what was cosigned.
	again := h.witnessedBy(1, ws...)
	must(t, again.askAll(t.Context()))
	if again.witnesses[0].size != 0 && again.witnesses[0].size != 7 {
		t.Errorf("it believes that %d leaves were cosigned", again.witnesses[0].size)
	}
}

// A hub whose log went back, as after the restore of an old backup, is told so by
// its witnesses, and raises the alert.
func TestALogThatWentBackIsToldByItsWitnesses(t *testing.T) {
	t.Parallel()
	h := setup(t)
	us := &peer{t: t, vkey: h.VerifierKey()}
	w, seen := witness(t, us, "https://w7.example")
	key, err := WitnessVerifierKey(t.Context(), w.keys, "https://w7.example")
	must(t, err)
	l := h.witnessedBy(1, Witness{serveWitness(t, w.Log).URL, key})
	h.flood(5)
	h.sequence()
	must(t, l.askAll(t.Context()))
	if l.witnesses[0].size != 5 {
		t.Fatalf("%d leaves are cosigned", l.witnesses[0].size)
	}
	_, err = h.admin.Exec("truncate ledger.leaves, ledger.tiles, ledger.checkpoints, ledger.cosignatures")
	must(t, err)
	restored := h.witnessedBy(1, Witness{serveWitness(t, w.Log).URL, key})
	h.flood(3)
	h.sequence()
	row, cp, err := restored.newestHead(t.Context())
	must(t, err)
	if err := restored.ask(t.Context(), restored.witnesses[0], row, cp); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("a shorter log: %v", err)
	}
	h.flood(2)
	h.sequence()
	row, cp, err = restored.newestHead(t.Context())
	must(t, err)
	if err := restored.ask(t.Context(), restored.witnesses[0], row, cp); err == nil || !strings.Contains(err.Error(), "another root") {
		t.Errorf("another log of the same size: %v", err)
	}
	if len(*seen) == 0 {
		t.Error("the witness has not noticed")
	}
	h.flood(2)
	h.sequence()
	row, cp, err = restored.newestHead(t.Context())
	must(t, err)
	if err := restored.ask(t.Context(), restored.witnesses[0], row, cp); err == nil || !strings.Contains(err.Error(), "grow out") {
		t.Errorf("a longer one: %v", err)
	}
}

func TestNewRefusesWitnessesThatCannotBe(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := newPeer(t, "peer.example/log/v1")
	good := Config{DB: h.db, Keys: h.keys, Now: h.now, Hub: hubURL, Logger: slog.New(slog.DiscardHandler)}
	alarm := func(context.Context, *sql.Tx, SplitView) (ident.ActID, error) { return ident.ActID{}, nil }
	for name, change := range map[string]func(*Config){
		"no alarm":          func(c *Config) { c.Peers = []string{p.vkey} },
		"no key":            func(c *Config) { c.Peers, c.Alarm = []string{"x"}, alarm },
		"a peer twice":      func(c *Config) { c.Peers, c.Alarm = []string{p.vkey, p.vkey}, alarm },
		"itself":            func(c *Config) { c.Peers, c.Alarm = []string{h.VerifierKey()}, alarm },
		"no quorum":         func(c *Config) { c.Witnesses = []Witness{{"https://w.example", p.vkey}} },
		"too large quorum":  func(c *Config) { c.Witnesses, c.Quorum = []Witness{{"https://w.example", p.vkey}}, 2 },
		"quorum of nobody":  func(c *Config) { c.Quorum = 1 },
		"no address":        func(c *Config) { c.Witnesses, c.Quorum = []Witness{{"w.example", p.vkey}}, 1 },
		"no witness's key":  func(c *Config) { c.Witnesses, c.Quorum = []Witness{{"https://w.example", "x"}}, 1 },
		"an address of ftp": func(c *Config) { c.Witnesses, c.Quorum = []Witness{{"ftp://w.example", p.vkey}}, 1 },
	} {
		c := good
		change(&c)
		if _, err := New(t.Context(), c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// A body has one form: what is read writes itself again.
func FuzzSubmission(f *testing.F) {
	hash := base64.StdEncoding.EncodeToString(leafOf(1))
	for _, s := range []string{
		"old 0\n\npeer.example\n1\n" + hash + "\n\n— peer.example AAAAAA==\n", "old 5\n" + hash + "\n\npeer.example\n", "old 05\n\nx\n", "old -1\n\nx\n",
		"old 1\n" + hash + "\nxx\n\nx\n", "old 9223372036854775808\n\nx\n", "old 0\n\n", "old 0\n\n\n", "old 0\r\n\nx\n", "old 1\n" + strings.Repeat(hash+"\n", 64) + "\nx\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseSubmission(body)
		if err != nil {
			if fault.KindOf(err) != fault.Malformed {
				t.Fatal(err)
			}
			return
		}
		hashes := make([]tlog.Hash, len(s.proof))
		for i, h := range s.proof {
			hashes[i] = tlog.Hash(h)
		}
		if again := addCheckpointBody(s.old, hashes, s.note); !bytes.Equal(again, body) {
			t.Errorf("%q is read as %q", body, again)
		}
	})
}

// Whatever a witness answers, what is kept of it verifies.
func FuzzCosignature(f *testing.F) {
	skey, vkey, err := note.GenerateKey(nil, "w.example")
	if err != nil {
		f.Fatal(err)
	}
	signer, err := f_note.NewSignerForCosignatureV1(skey)
	if err != nil {
		f.Fatal(err)
	}
	v, err := f_note.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		f.Fatal(err)
	}
	text := checkpoint{"peer.example", 3, tlog.Hash{}}.text()
	signed, err := signNote(text, signer)
	if err != nil {
		f.Fatal(err)
	}
	unsigned := text + "\n"
	good := strings.TrimPrefix(signed, unsigned)
	for _, s := range []string{good, good + good, "", "— w.example AAAA\n", "— other.example AAAAAA==\n" + good, good[:len(good)-1], "3\n", "-3\n", "03\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if n, err := sizeOf(answer); err == nil && fmt.Sprintf("%d\n", n) != string(answer) {
			t.Errorf("%q is read as %d", answer, n)
		}
		line, err := cosignatureOf(unsigned, answer, v)
		if err != nil {
			return
		}
		if n, err := note.Open([]byte(unsigned+line), note.VerifierList(v)); err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
			t.Errorf("%q is kept as %q: %v", answer, line, err)
		}
	})
}
