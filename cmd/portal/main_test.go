package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/web"
)

// The process serves the pages and nothing else, says that it is healthy, and ends in
// order; without a file it says how to get one.
func TestThePortalIsAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{"--config", filepath.Join(t.TempDir(), "portal.yaml")}, io.Discard); err == nil || !strings.Contains(err.Error(), "fame init") {
		t.Errorf("without a file: %v", err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	path := filepath.Join(t.TempDir(), "portal.yaml")
	nobody := "http://127.0.0.1:9"
	if err := (web.File{Hub: "Riverside", Public: "https://riverside.example", Listen: at, Duties: web.Duties{Relmgr: nobody, Consent: nobody, Governance: nobody},
		SignIn: []web.Agency{{Name: "county", Title: "Sign in with the county", Issuer: nobody, Client: "fame"}}}).Save(path); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var log bytes.Buffer
	go func() { ended <- run(ctx, []string{"--config", path}, &log) }()
	get := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	for n := 0; ; n++ {
		if status, said := get("/healthz"); status == http.StatusOK {
			break
		} else if n > 2000 {
			t.Fatalf("the process is not healthy: %d %s", status, said)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if status, text := get("/portal/"); status != http.StatusOK || !strings.Contains(text, "Sign in with the county") {
		t.Errorf("the first page: %d %s", status, text)
	}
	// The issuer is away: that is said, and nothing of it.
	if status, text := get("/portal/sign-in/county"); status != http.StatusServiceUnavailable || strings.Contains(text, "127.0.0.1") {
		t.Errorf("an issuer that is away: %d %s", status, text)
	}
	if status, _ := get("/relmgr/v1/handles"); status != http.StatusNotFound {
		t.Errorf("what is a duty's: %d", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}
