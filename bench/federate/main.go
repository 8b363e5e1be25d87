// Federate measures what it takes to ask ten hubs at once, when one of them is slow and when
// one is dead.
//
//	go run ./bench/federate
//
// The asking hub is the federation duty itself over a PostgreSQL of its own, fsync on: it verifies
// relmgr's orders, looks at each peer's standing, signs, seals, sends over real sockets, verifies and records. The others are light: they
// open, verify, sign and seal, and have no duty, database or beat behind them, so that a whole hub answers some 10 to 30 ms later. All of it
// shares the machine's processors. The last line printed is the result as JSON.
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/fame-hub/fame/internal/seal"
)

const here, relmgrKey = "http://127.0.0.1:1", seal.KeyID("sign/relmgr/1")

// spread is how long something took, in milliseconds.
type spread struct {
	Median float64 `json:"median_ms"`
	P95    float64 `json:"p95_ms"`
	Most   float64 `json:"most_ms"`
}

type report struct {
	Hubs       int     `json:"hubs"`
	Rounds     int     `json:"rounds"`
	Delay      float64 `json:"delay_ms"`
	None       spread  `json:"nobody_slow"`
	Slow       spread  `json:"one_slow"`
	Bound      float64 `json:"bound_ms"` // 1.1 times the delay and 25 ms
	Met        bool    `json:"met"`
	Dead       spread  `json:"one_dead"`
	Standing   spread  `json:"standing_of_a_peer"` // Service.Peer, remembered
	CPUs       int     `json:"cpus"`
	LoadBefore string  `json:"load_before"`
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "federate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("federate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	hubs := flags.Int("hubs", 10, "hubs that are asked")
	rounds := flags.Int("rounds", 200, "questions of each kind")
	delay := flags.Duration("delay", 200*time.Millisecond, "by which one is slow")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *hubs < 2 || *hubs > federation.MostAsked || *rounds < 1 {
		return errors.New("give flags only, with 2 to 50 hubs and 1 round or more")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	dir, err := os.MkdirTemp("", "fame-federate-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // as root the database runs as another user
		return err
	}
	server, err := private.Start(ctx, private.Config{Dir: filepath.Join(dir, "pg")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	a, err := newAsker(ctx, dir, server)
	if err != nil {
		return err
	}
	defer a.db.Close()
	for i := range *hubs {
		if err := a.meet(ctx, filepath.Join(dir, fmt.Sprint("hub", i))); err != nil {
			return err
		}
	}
	r := report{Hubs: *hubs, Rounds: *rounds, Delay: ms(*delay), Bound: 1.1*ms(*delay) + 25, CPUs: runtime.NumCPU(), LoadBefore: strings.TrimSpace(string(load))}
	if r.None, err = a.measure(ctx, *rounds, *hubs); err != nil {
		return err
	}
	a.peers[0].delay = *delay
	if r.Slow, err = a.measure(ctx, *rounds, *hubs); err != nil {
		return err
	}
	r.Met = r.Slow.P95 <= r.Bound
	var took []time.Duration
	for range *rounds {
		began := time.Now()
		if _, err := a.service.Peer(ctx, a.peers[0].url); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	r.Standing = spreadOf(took)
	if err := a.peers[0].server.Close(); err != nil {
		return err
	}
	if r.Dead, err = a.measure(ctx, *rounds, *hubs-1); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, string(text))
	return err
}

// asker is the hub that asks.
type asker struct {
	service *federation.Service
	axles   *federation.Axles
	db      *sql.DB
	keys    seal.Provider
	orders  *attest.Signer
	terms   *decide.Terms
	peers   []*light
}

func newAsker(ctx context.Context, dir string, server *private.Server) (*asker, error) {
	admin := server.AdminDSN("postgres")
	if err := migrate.Up(ctx, admin); err != nil {
		return nil, err
	}
	passwords := map[string]string{}
	for _, duty := range migrate.Duties {
		passwords[duty] = rand.Text()
	}
	if err := migrate.EnsureLogins(ctx, admin, "bench", passwords); err != nil {
		return nil, err
	}
	a := &asker{terms: (&decide.Terms{Version: 1, Partnership: decide.Partnership{Name: "Bench"}, Codes: decide.Codes{Reasons: []decide.Code{{Code: "work-ended"}}}}).Index()}
	var err error
	if a.db, err = pg.OpenPool(ctx, server.DSN("postgres", migrate.Login("bench", "federation"), passwords["federation"]), pg.Pool{Application: "federate"}); err != nil {
		return nil, err
	}
	if a.keys, err = seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity")); err != nil {
		return nil, err
	}
	if err := federation.MakeKeys(ctx, a.keys); err != nil {
		return nil, err
	}
	if _, _, err := a.keys.Ensure(ctx, relmgrKey, seal.KindSign); err != nil {
		return nil, err
	}
	fetcher := entity.NewFetcher(true, nil)
	a.service, err = federation.New(ctx, federation.Config{
		Hub: here, DB: a.db, Keys: a.keys, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Client: fetcher, LogKey: "bench+00000000+AQ==",
		Terms: func(context.Context) (*decide.Terms, error) { return a.terms, nil },
	})
	if err != nil {
		return nil, err
	}
	set, err := attest.PublicKeys(ctx, a.keys, relmgrKey)
	if err != nil {
		return nil, err
	}
	a.orders = attest.NewSigner(a.keys, relmgrKey, "relmgr")
	a.axles, err = federation.NewAxles(ctx, a.service, federation.AxleConfig{
		Orders: attest.NewVerifier("relmgr", set.Fixed, time.Now), Relmgr: "http://127.0.0.1:1", Transport: fetcher.Transport(),
	})
	return a, err
}

// meet makes another hub a peer in force.
func (a *asker) meet(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	l, err := newLight(ctx, dir, 0)
	if err != nil {
		return err
	}
	agreed := federation.Agreement{
		Code: "bench", Title: "A bench", Purposes: []string{"co-ordinate-care"}, Roles: []string{"gp"}, Minutes: 60, Until: time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Second),
	}
	if err := l.knows(ctx, here, a.keys, agreed); err != nil {
		return err
	}
	officer := decide.Caller{Actor: decide.Actor{Practitioner: "officer", Agency: "office", Roles: []string{"governance-officer"}}, Terms: a.terms}
	met, err := a.service.Invite(ctx, officer, l.url, &agreed)
	if err != nil {
		return err
	}
	if _, err := a.service.Confirm(ctx, officer, met.Peer.ID, met.Peer.Digest.String(), met.Peer.Fingerprints); err != nil {
		return err
	}
	a.peers = append(a.peers, l)
	return nil
}

// measure asks all hubs so often, and wants so many answers each time.
func (a *asker) measure(ctx context.Context, rounds, want int) (spread, error) {
	who := decide.Caller{Actor: decide.Actor{Practitioner: "dr-patel", Agency: "surgery"}, Terms: a.terms}
	var took []time.Duration
	for range rounds {
		var orders []string
		for _, l := range a.peers {
			at := time.Now().Unix()
			o := attest.AxleOrder{Claims: attest.Claims{Audience: "federation", Subject: "dr-patel", IssuedAt: at, Expires: at + 60, ID: ident.NewAct().String()},
				Hub: l.url, Agency: "surgery", Keys: json.RawMessage(`{"keys":[]}`), Question: strings.Repeat("q", 900)}
			order, err := a.orders.Sign(ctx, attest.TypAxleOrder, o)
			if err != nil {
				return spread{}, err
			}
			orders = append(orders, order)
		}
		began := time.Now()
		says, err := a.axles.Ask(ctx, who, orders, "")
		if err != nil {
			return spread{}, err
		}
		took = append(took, time.Since(began))
		answered := 0
		for _, s := range says {
			if s.Answered {
				answered++
			}
		}
		if answered != want {
			return spread{}, fmt.Errorf("%d of %d hubs answered", answered, want)
		}
	}
	return spreadOf(took), nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func spreadOf(took []time.Duration) spread {
	slices.Sort(took)
	return spread{Median: ms(took[len(took)/2]), P95: ms(took[len(took)*95/100]), Most: ms(took[len(took)-1])}
}
