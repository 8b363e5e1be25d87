package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/prometheus/client_golang/prometheus"
)

// running is a server under test.
type running struct {
	public, metrics string
	stop            context.CancelFunc
	done            chan error
}

func start(t *testing.T, c serve.Config) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, done: make(chan error, 1)}
	at := make(chan serve.Addresses, 1)
	c.Listen = "127.0.0.1:0"
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.OnListening = func(a serve.Addresses) { at <- a }
	go func() { r.done <- serve.Run(ctx, c) }()
	t.Cleanup(stop)
	select {
	case a := <-at:
		r.public = "http://" + a.Public.String()
		if a.Metrics != nil {
			r.metrics = "http://" + a.Metrics.String()
		}
	case err := <-r.done:
		t.Fatal(err)
	}
	return r
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

func TestThePublicListenerServesTheHandlerAndItsHealth(t *testing.T) {
	t.Parallel()
	r := start(t, serve.Config{Handler: hello})
	if status, body := get(t, r.public+"/any/path"); status != 200 || body != "hello" {
		t.Errorf("handler: %d %s", status, body)
	}
	if status, _ := get(t, r.public+"/healthz"); status != 200 {
		t.Errorf("healthz: %d", status)
	}
	if _, body := get(t, r.public+"/metrics"); body != "hello" {
		t.Errorf("the public listener serves metrics: %s", body)
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("an orderly stop: %v", err)
	}
}

func TestMetricsStandOnTheirOwnListener(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "a_test_total", Help: "."})
	registry.MustRegister(counter)
	r := start(t, serve.Config{Handler: hello, MetricsListen: "127.0.0.1:0", Registry: registry})
	if status, body := get(t, r.metrics+"/metrics"); status != 200 || !strings.Contains(body, "a_test_total 0") {
		t.Errorf("metrics: %d %s", status, body)
	}
	if status, _ := get(t, r.metrics+"/any/path"); status != 404 {
		t.Errorf("the private listener serves the handler: %d", status)
	}
}

func TestReadyzNamesWhatFailsAndWhatToDo(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := start(t, serve.Config{Handler: hello, Logger: serve.Logger(&log, slog.LevelWarn), Ready: []serve.Check{
		{Name: "fine", Do: func(context.Context) error { return nil }},
		{Name: "schema", Do: func(context.Context) error {
			return fault.New(fault.Unavailable, "run fame migrate").Because(errors.New("password=hunter2"))
		}},
		{Name: "raw", Do: func(context.Context) error { return errors.New("password=hunter2") }},
	}})
	status, body := get(t, r.public+"/readyz")
	var got struct {
		Ready  bool
		Checks []struct {
			Name string
			OK   bool
			Do   string
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if status != 503 || got.Ready || len(got.Checks) != 3 || !got.Checks[0].OK || got.Checks[1].Do != "run fame migrate" {
		t.Errorf("%d %s", status, body)
	}
	if strings.Contains(body, "hunter2") {
		t.Errorf("readyz shows an error's own words: %s", body)
	}
	get(t, r.public+"/readyz")
	r.stop()
	<-r.done
	if n := strings.Count(log.String(), `"check":"raw"`); n != 1 {
		t.Errorf("a lasting failure is logged %d times, want once: %s", n, log.String())
	}
}

func TestAStopWaitsForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	r := start(t, serve.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		io.WriteString(w, "finished")
	})})
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(r.public + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-entered
	r.stop()
	select {
	case err := <-r.done:
		t.Fatalf("stopped with a request under way: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if got := <-answer; got != "finished" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

func TestAStopCutsOffWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	r := start(t, serve.Config{Drain: 30 * time.Millisecond, Handler: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		close(entered)
		<-req.Context().Done()
	})})
	go http.Get(r.public + "/slow")
	<-entered
	r.stop()
	if err := <-r.done; err == nil {
		t.Error("a request was cut off and nobody was told")
	}
}

func TestRunSaysThatAnAddressIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = serve.Run(context.Background(), serve.Config{
		Listen: l.Addr().String(), Handler: hello, Logger: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "choose another address") {
		t.Errorf("got %v", err)
	}
}

func TestLoggerWritesUTC(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := serve.Logger(&out, slog.LevelInfo)
	record := slog.NewRecord(time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("BST", 3600)), slog.LevelInfo, "hello", 0)
	if err := log.Handler().Handle(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"time":"2026-07-01T11:00:00Z"`) {
		t.Error(out.String())
	}
}

func TestMountChoosesTheLongestPrefixAndRepeatsNoPath(t *testing.T) {
	t.Parallel()
	say := func(word string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, word) })
	}
	h := serve.Mount(nil, map[string]http.Handler{"/a": say("a"), "/a/b": say("ab")})
	for path, want := range map[string]string{"/a": "a", "/a/c": "a", "/a/b/c": "ab", "/a//b": "a", "/ab": "", "/LMN-00042/../a": ""} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if want != "" && w.Body.String() != want || want == "" && w.Code != 404 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "LMN") || w.Header().Get("Location") != "" {
			t.Errorf("the answer repeats the path: %v %s", w.Header(), w.Body)
		}
	}
}
