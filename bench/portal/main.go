// Portal measures how long the server takes for each page of the portal, on the demo's data.
//
//	make build && go run ./bench/portal
//
// It starts `fame demo` (bin/fame, or what -fame names), signs in as one person of each role,
// asks for every page that a link leads to, and times each, one at a time, over a real socket:
// from the request to the end of the page. Beside the pages run the hub and its PostgreSQL, on the
// same machine. Signing in is not measured. The last line printed is the result as JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// page is what one page takes.
type page struct {
	Path string  `json:"path"`
	As   string  `json:"as"`
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
}

type report struct {
	Pages      int     `json:"pages"`
	Rounds     int     `json:"rounds"`
	P50        float64 `json:"p50_ms"` // of all pages
	P95        float64 `json:"p95_ms"`
	Slowest    []page  `json:"slowest"` // by their 95th of a hundred
	Target     float64 `json:"target_ms"`
	Above      int     `json:"pages_above_target"`
	CPUs       int     `json:"cpus"`
	LoadBefore string  `json:"load_before"`
}

// target is the most that 95 of 100 pages may take.
const target = 50.0

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "portal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	flags.SetOutput(stderr)
	fame := flags.String("fame", "bin/fame", "the fame command")
	rounds := flags.Int("rounds", 40, "how often each page is asked for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *rounds < 1 {
		return errors.New("give flags only, with 1 round or more")
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	hub, number, password, stop, err := demo(ctx, *fame, stderr)
	if err != nil {
		return err
	}
	defer stop()
	var pages []page
	var all []float64
	for _, who := range []string{"mr-lindqvist", "dr-patel", "dr-brandt", "ms-abara", "gov-ellis", "yourself"} {
		v, err := signIn(ctx, hub, who, number, password)
		if err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
		paths, err := v.paths()
		if err != nil {
			return err
		}
		took := make([][]float64, len(paths))
		for range *rounds {
			for i, path := range paths {
				at := time.Now()
				if _, _, err := v.get(path); err != nil {
					return err
				}
				took[i] = append(took[i], float64(time.Since(at).Microseconds())/1000)
			}
		}
		for i, path := range paths {
			p := page{Path: identifiers.ReplaceAllString(path, "…"), As: who, P50: at(took[i], 0.5), P95: at(took[i], 0.95)}
			pages, all = append(pages, p), append(all, took[i]...)
			fmt.Fprintf(stdout, "%7.1f %7.1f ms  %-14s %s\n", p.P50, p.P95, p.As, p.Path)
		}
	}
	r := report{Pages: len(pages), Rounds: *rounds, P50: at(all, 0.5), P95: at(all, 0.95), Target: target, CPUs: runtime.NumCPU(), LoadBefore: strings.TrimSpace(string(load))}
	slices.SortFunc(pages, func(a, b page) int { return int(1000 * (b.P95 - a.P95)) })
	r.Slowest = pages[:min(5, len(pages))]
	for _, p := range pages {
		if p.P95 > target {
			r.Above++
		}
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, string(line))
	return err
}

func at(took []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// demo runs a demonstration until stop is called.
func demo(ctx context.Context, fame string, stderr io.Writer) (hub, number, password string, stop func(), err error) {
	c := exec.CommandContext(ctx, fame, "demo", "--listen", "127.0.0.1:0")
	c.Stderr = stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return "", "", "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", "", "", nil, fmt.Errorf("%w: type `make build`, or name the command with -fame", err)
	}
	stop = func() {
		_ = c.Process.Signal(os.Interrupt) // it has ended already
		_ = c.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := regexp.MustCompile(`sign-in number ([0-9 ]+), password "([^"]*)"`).FindStringSubmatch(lines.Text()); m != nil {
			number, password = m[1], m[2]
		}
		if m := regexp.MustCompile(`^The hub goes on serving at (http://\S+) until`).FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1], number, password, stop, nil
		}
	}
	stop()
	return "", "", "", nil, errors.New("the demonstration serves no hub")
}

// visitor is somebody who has signed in.
type visitor struct {
	ctx    context.Context
	hub    string
	client *http.Client
}

var (
	formOf      = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)"[^>]*>(.*?)</form>`)
	hiddenOf    = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	linkOf      = regexp.MustCompile(`href="(/portal/[^"#]*)"`)
	identifiers = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
)

func (v *visitor) do(r *http.Request, err error) (text, end string, _ error) {
	if err != nil {
		return "", "", err
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusInternalServerError {
		err = fmt.Errorf("%s answers %d", resp.Request.URL.Path, resp.StatusCode)
	}
	return string(body), resp.Request.URL.Path, err
}

func (v *visitor) get(path string) (text, end string, err error) {
	return v.do(http.NewRequestWithContext(v.ctx, http.MethodGet, v.hub+path, nil))
}

// signIn is at the local issuer, or with the registrar.
func signIn(ctx context.Context, hub, who, number, password string) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	v := &visitor{ctx: ctx, hub: hub, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	where, fill := "local", url.Values{"person": {who}}
	if who == "yourself" {
		where, fill = "registrar", url.Values{"number": {number}, "secret": {password}}
	}
	text, _, err := v.get("/portal/sign-in/" + where)
	if err != nil {
		return nil, err
	}
	for _, f := range formOf.FindAllStringSubmatch(text, -1) {
		if where == "registrar" && !strings.Contains(f[2], `name="number"`) {
			continue
		}
		for _, in := range hiddenOf.FindAllStringSubmatch(f[2], -1) {
			fill.Set(in[1], html.UnescapeString(in[2]))
		}
		to, err := url.Parse(hub)
		if err != nil {
			return nil, err
		}
		if to, err = to.Parse(html.UnescapeString(f[1])); err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(fill.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if _, end, err := v.do(r, err); err != nil || !strings.HasPrefix(end, "/portal/") {
			return nil, fmt.Errorf("signing in ends at %s: %w", end, err)
		}
		return v, nil
	}
	return nil, errors.New("there is no form to sign in with")
}

// paths are the pages that links lead to from the start page, one of each kind.
func (v *visitor) paths() (all []string, err error) {
	kinds, queue := map[string]bool{}, []string{"/portal/"}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		kind := identifiers.ReplaceAllString(path, "…")
		if kinds[kind] || strings.Contains(path, "/static/") || strings.Contains(path, "/sign-in") {
			continue
		}
		kinds[kind] = true
		text, _, err := v.get(path)
		if err != nil {
			return nil, err
		}
		all = append(all, path)
		for _, m := range linkOf.FindAllStringSubmatch(text, -1) {
			queue = append(queue, html.UnescapeString(m[1]))
		}
	}
	return all, nil
}
