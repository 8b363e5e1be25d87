package provider_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/fame-hub/fame/internal/browsertest"
)

// AUT-14, issue "The registrar", point 5: in a real browser, by keyboard, a person makes
// a passkey with the registrar's code and signs in at an agency with it.
func TestInARealBrowserAPasskeySignsAPersonIn(t *testing.T) {
	t.Parallel()
	ctx := browsertest.Chromium(t, "the sign-in pages in a real browser", 3*time.Minute)
	s := newSite(t)
	arrived := make(chan string, 4)
	agency := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			arrived <- r.URL.String()
		}
		fmt.Fprint(w, "<title>Surgery</title><h1>Back at the surgery</h1>")
	}))
	t.Cleanup(agency.Close)
	home := strings.Replace(agency.URL, "127.0.0.1", "localhost", 1)
	s.terms.Registrars[0].RelyingParties[0].RedirectURIs = []string{home + "/back"}
	gp := s.relyingParty("gp-portal", home+"/back")

	run := func(what string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			var text string
			_ = chromedp.Run(ctx, chromedp.Text("body", &text), browsertest.Picture("failed"))
			t.Fatalf("%s: %v; the page says %s", what, err, text)
		}
	}
	run("a device", webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
	run("the code", chromedp.Navigate(s.issuer+"/account/code"), chromedp.WaitVisible("#enrolment"), browsertest.Picture("1-code"),
		chromedp.SendKeys("#enrolment", s.code()+kb.Enter), chromedp.WaitVisible("#new-passkey"), browsertest.Picture("2-account"))
	run("a passkey", chromedp.Focus("#new-passkey"), chromedp.KeyEvent(kb.Enter),
		chromedp.WaitVisible(".govuk-summary-list"), browsertest.Picture("3-passkey"))
	run("sign out", chromedp.Click(`//button[normalize-space()="Sign out"]`, chromedp.BySearch), chromedp.WaitVisible(`//h1[normalize-space()="You are signed out"]`, chromedp.BySearch))

	run("at the agency", chromedp.Navigate(gp.begin(object{"acr_values": "phishing-resistant"})), chromedp.WaitVisible("#passkey"), browsertest.Picture("4-sign-in"),
		chromedp.Focus("#passkey"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(`//h1[normalize-space()="Back at the surgery"]`, chromedp.BySearch))
	select {
	case back := <-arrived:
		said := gp.finish(home + back)
		if claims, _ := said["claims"].(object); claims["acr"] != "phishing-resistant" {
			t.Errorf("the agency is told %v", said)
		}
	case <-time.After(time.Minute):
		t.Fatal("the browser does not come back")
	}
	var wide bool
	run("a narrow window", chromedp.EmulateViewport(320, 640), chromedp.Navigate(gp.begin(object{"prompt": "login"})), chromedp.WaitVisible("#number"),
		browsertest.Picture("5-narrow"), chromedp.Evaluate("document.documentElement.scrollWidth > 320", &wide))
	if wide {
		t.Error("at 320 pixels the page has to be scrolled sideways (WCAG 2.2, 1.4.10)")
	}
	var unnamed int
	run("names", chromedp.Evaluate(`[...document.querySelectorAll('input:not([type=hidden]),button')].filter(e => !(e.labels?.length || e.textContent.trim())).length`, &unnamed))
	if unnamed > 0 {
		t.Errorf("%d fields have no name that is read aloud (WCAG 2.2, 4.1.2)", unnamed)
	}
}
