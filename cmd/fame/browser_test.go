package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/fame-hub/fame/internal/browsertest"
	"github.com/fame-hub/fame/internal/npmtest"
)

// inBrowser is what the tests with a real browser try.
const inBrowser = "the portal in a real browser"

// playDemo runs `fame demo` in this process, until the test ends, and returns its address,
// the number with which somebody signs in as themself, and its directory.
func playDemo(t *testing.T) (hub, number, dir string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := (&demoCommand{Listen: "127.0.0.1:0"}).Run(ctx, &printer{out: w})
		w.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the demo ends with %v", err)
		}
	})
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if m := regexp.MustCompile(`sign-in number ([0-9 ]+),`).FindStringSubmatch(lines.Text()); m != nil {
			number = m[1]
		}
		if m := regexp.MustCompile(`^The hub goes on serving at (http://\S+) until`).FindStringSubmatch(lines.Text()); m != nil {
			hub = m[1]
		}
		if to, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "export FAME_DIR="); ok && hub != "" {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return hub, number, to
		}
	}
	t.Fatal("the demo serves no hub")
	return "", "", ""
}

// browser is one real Chromium, with one window. What it shows is held against axe-core
// and two widths.
type browser struct {
	t   *testing.T
	ctx context.Context
	hub string
	axe string
	own string // the number of somebody who signs in as themself

	kept string // the path of an answer

	mu         sync.Mutex
	complaints []string // of the browser: what the policy forbids, what failed to load
	looked     map[string]bool
}

func newBrowser(t *testing.T, hub, own string) *browser {
	t.Helper()
	b := &browser{t: t, hub: hub, own: own, axe: axeCore(t), looked: map[string]bool{}}
	ctx := browsertest.Chromium(t, inBrowser, 5*time.Minute)
	b.ctx = ctx
	chromedp.ListenTarget(ctx, func(event any) {
		if e, ok := event.(*cdplog.EventEntryAdded); ok && e.Entry.Source == cdplog.SourceSecurity {
			b.mu.Lock()
			b.complaints = append(b.complaints, e.Entry.Text)
			b.mu.Unlock()
		}
	})
	if err := chromedp.Run(ctx, cdplog.Enable()); err != nil {
		t.Fatal(err)
	}
	return b
}

// axeCore is the script that judges whether everybody can use a page.
func axeCore(t *testing.T) string {
	t.Helper()
	dir := npmtest.Installed(t, inBrowser, filepath.Join("testdata", "axe-core"))
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (b *browser) run(what string, actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v; the page says %s", what, err, b.text())
	}
}

func (b *browser) text() (text string) {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate("document.body.innerText", &text))
	return text
}

// goes follows whatever leads to another page.
func (b *browser) goes(what string, action chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, action); err != nil {
		b.t.Fatalf("%s: %v; the page says %s", what, err, b.text())
	}
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.goes("open "+path, chromedp.Navigate(b.hub+path))
}

func (b *browser) press(button string) {
	b.t.Helper()
	b.goes("press "+button, byKey(fmt.Sprintf(`//button[normalize-space()=%q]`, button), kb.Enter))
}

func (b *browser) follow(words string) {
	b.t.Helper()
	b.goes("follow "+words, byKey(fmt.Sprintf(`//a[normalize-space()=%q]`, words), kb.Enter))
}

// byKey does it as people do who use no mouse.
func byKey(xpath, key string) chromedp.Action {
	return chromedp.Tasks{chromedp.Focus(xpath, chromedp.BySearch), chromedp.KeyEvent(key)}
}

// fill types into a field; choose picks what has that value.
func (b *browser) fill(name, value string) {
	b.t.Helper()
	b.run("fill "+name, chromedp.SetValue("#"+name, value, chromedp.ByQuery))
}

func (b *browser) choose(name, value string) {
	b.t.Helper()
	b.run("choose "+name, byKey(fmt.Sprintf(`//input[@name=%q and @value=%q]`, name, value), " "))
}

func (b *browser) sees(words ...string) {
	b.t.Helper()
	text := b.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Errorf("the page does not say %q:\n%s", w, text)
		}
	}
}

func (b *browser) seesNot(words ...string) {
	b.t.Helper()
	text := b.text()
	for _, w := range words {
		if strings.Contains(text, w) {
			b.t.Errorf("the page says %q:\n%s", w, text)
		}
	}
}

// looks at the page: no violation that axe-core finds, nothing to scroll sideways at 320
// pixels, nothing that the policy had to forbid. Pictures are kept where FAME_PICTURES
// names a directory.
func (b *browser) looks(name string) {
	b.t.Helper()
	if b.looked[name] {
		return
	}
	b.looked[name] = true
	var found []struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML string `json:"html"`
		} `json:"nodes"`
	}
	var said string
	b.run("axe-core on "+name, chromedp.Evaluate(b.axe+";0", nil),
		chromedp.Evaluate(`axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => JSON.stringify(r.violations))`,
			&said, chromedp.EvalAsValue, awaited))
	if err := json.Unmarshal([]byte(said), &found); err != nil {
		b.t.Fatalf("axe-core on %s: %v: %s", name, err, said)
	}
	for _, f := range found {
		b.t.Errorf("%s: axe-core: %s: %s: %s", name, f.ID, f.Help, f.Nodes[0].HTML)
	}
	var wide int
	b.picture(name + "-1280")
	b.run("a narrow window", emulation.SetDeviceMetricsOverride(320, 640, 1, true), chromedp.Evaluate("document.documentElement.scrollWidth", &wide))
	if wide > 320 {
		b.t.Errorf("%s: at 320 pixels it is %d wide (WCAG 2.2, 1.4.10)", name, wide)
	}
	b.picture(name + "-320")
	b.run("a wide window", emulation.ClearDeviceMetricsOverride())
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("%s: the browser: %s", name, c)
	}
	b.complaints = nil
}

func (b *browser) picture(name string) {
	b.run("a picture", browsertest.Picture(name))
}

// signIn signs somebody of the demo in, and signOut out.
func (b *browser) signIn(name string) {
	b.t.Helper()
	b.open("/portal/")
	b.follow("Sign in with your agency")
	b.goes("be "+name, byKey(fmt.Sprintf(`//button[@name="person" and @value=%q]`, name), kb.Enter))
	b.sees(name, "What do you want to do?")
}

// signInAsMyself signs the demo's person in with the registrar.
func (b *browser) signInAsMyself() {
	b.t.Helper()
	b.open("/portal/")
	b.follow("Sign in with the registrar")
	if strings.Contains(b.text(), "What is held about you") {
		return // the registrar still knows them
	}
	b.fill("number", b.own)
	b.fill("secret", member.password)
	b.press("Continue")
	b.sees("What is held about you")
}

func (b *browser) signOut() {
	b.t.Helper()
	b.press("Sign out")
	b.sees("You are signed out")
	b.open("/portal/ask")
	b.sees("Sign in to Riverside Partnership")
}

// fetched is what the browser is sent for a path, with what it has of the session.
func (b *browser) fetched(path string) (text string) {
	b.t.Helper()
	b.run("fetch "+path, chromedp.Evaluate("fetch('"+path+"').then(r => r.text())", &text, awaited))
	return text
}

// get asks without a browser, as nobody.
func (b *browser) get(path string, headers ...string) (status, length int) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.hub+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, len(text)
}
