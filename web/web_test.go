package web

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/relmgroas"
)

var quiet = slog.New(slog.DiscardHandler)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func anybody(c *clock) *user {
	return &user{party: "local", subject: "x", until: c.now().Add(24 * time.Hour)}
}

// A session ends after its idle time, its longest time and with what somebody signed in
// with; what it has kept is kept until the longest time alone, and opens nothing.
func TestASessionEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	all := newSessions(c.now, 15*time.Minute)
	s := all.begin(anybody(c))
	for range 40 { // busy for ten hours
		c.later(14*time.Minute + 59*time.Second)
		if _, open := all.find(s.id); !open {
			t.Fatal("a busy session has ended")
		}
	}
	c.later(15*time.Minute + time.Second)
	if kept, open := all.find(s.id); open || kept == nil {
		t.Errorf("an idle session: open %v, kept %v", open, kept != nil)
	}
	if kept, open := all.find(s.id); open || kept == nil {
		t.Error("looking at an idle session opens it")
	}
	c.later(2 * time.Hour)
	if kept, _ := all.find(s.id); kept != nil {
		t.Error("a session outlives its longest time")
	}
	who := anybody(c)
	who.until = c.now().Add(time.Minute)
	s = all.begin(who)
	c.later(time.Minute)
	if _, open := all.find(s.id); open {
		t.Error("a session outlives the token of whoever signed in")
	}
	s = all.begin(anybody(c))
	all.end(s.id)
	if kept, open := all.find(s.id); open || kept != nil {
		t.Error("a session outlives signing out")
	}
	if _, open := all.find(""); open {
		t.Error("no number opens a session")
	}
}

func TestThereIsNoEndOfSessionsInMemory(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	all := newSessions(c.now, time.Hour)
	first := all.begin(anybody(c))
	second := all.begin(anybody(c))
	if _, open := all.find(first.id); !open { // seen last, so kept longest
		t.Fatal("there is room for two")
	}
	for range mostSessions - 1 {
		all.begin(anybody(c))
	}
	if len(all.byID) != mostSessions || all.order.Len() != mostSessions {
		t.Errorf("%d sessions", len(all.byID))
	}
	if kept, _ := all.find(second.id); kept != nil {
		t.Error("the one that nobody used longest is not the one that went")
	}
	if _, open := all.find(first.id); !open {
		t.Error("one in use went")
	}
}

// Two that send one form at once make one act: the second waits. One that came to nothing
// may be sent again.
func TestWhoeverSendsAFormASecondTimeIsLedToTheFirst(t *testing.T) {
	t.Parallel()
	s := &session{once: map[string]*sent{}}
	first, _, done := s.first("A")
	if !first {
		t.Fatal("the first is not the first")
	}
	var wait sync.WaitGroup
	led := make([]string, 20)
	for i := range led {
		wait.Go(func() {
			again, to, _ := s.first("A")
			if again {
				to = "acted twice"
			}
			led[i] = to
		})
	}
	done("/there")
	wait.Wait()
	for _, to := range led {
		if to != "/there" {
			t.Fatalf("led to %q", to)
		}
	}
	_, _, done = s.first("B")
	done("")
	if first, _, _ := s.first("B"); !first {
		t.Error("a form that came to nothing cannot be sent again")
	}
	for i := range 2 * mostOnce {
		_, _, done := s.first(strings.Repeat("x", i+2))
		done("/there")
	}
	if len(s.once) > mostOnce || len(s.order) > mostOnce {
		t.Errorf("%d forms are remembered", len(s.once))
	}
}

func TestOnlyThePortalsOwnPathsAreGoneOnTo(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/portal/ask": "/portal/ask", "/portal/history/x?purpose=y": "/portal/history/x?purpose=y", "/portal/": "/portal/",
		"": "", "/": "", "/portal": "", "//elsewhere.example/portal/": "", "https://elsewhere.example/portal/": "", "/portal/../issuer": "", "/portal/\\x": "",
		"/portal/a\r\nSet-Cookie: x=y": "", "javascript:alert(1)": "", "/portal//x": "",
	} {
		if got := ownPath(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func TestWhatABrowserKeepsIsOursOrNothing(t *testing.T) {
	t.Parallel()
	ours, other := newBox(), newBox()
	sealed, err := ours.seal(flow{State: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var f flow
	if err := ours.open(sealed, &f); err != nil || f.State != "x" {
		t.Errorf("%v %v", f, err)
	}
	for _, bad := range []string{"", "x", sealed[:20], sealed + "A", strings.Replace(sealed, sealed[5:6], "_", 1) + "_"} {
		if ours.open(bad, &f) == nil {
			t.Errorf("%q was opened", bad)
		}
	}
	if other.open(sealed, &f) == nil {
		t.Error("another process opens it")
	}
}

func sample() *form {
	return &form{Fields: []*field{
		{Name: "name", Label: "Name", Kind: text, Max: 5},
		{Name: "one", Label: "Which one?", Kind: choice, Options: []option{{Value: "a"}, {Value: "b"}}},
		{Name: "some", Label: "Some", Kind: several, Options: []option{{Value: "a"}, {Value: "b"}}, Optional: true},
		{Name: "sure", Label: "I am sure", Kind: yes},
		{Name: "until", Label: "Until", Kind: date},
	}}
}

func TestAFormSaysEachMistakeAndKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	good := url.Values{"name": {"Zsófi"}, "one": {"b"}, "sure": {"yes"}, "until-day": {"29"}, "until-month": {"2"}, "until-year": {"2028"}}
	f := sample()
	if !f.read(good) || f.get("name") != "Zsófi" || !f.day("until").Equal(time.Date(2028, 2, 29, 23, 59, 0, 0, time.UTC)) {
		t.Fatalf("%+v", f.Mistakes)
	}
	for words, change := range map[string]url.Values{
		"Enter name":                    {"name": {"  "}},
		"Name must be 5 characters":     {"name": {"123456"}},
		"characters that cannot be see": {"name": {"a\u202eb"}},
		"characters that cannot be rea": {"name": {"\xff"}},
		"Select which one":              {"one": {"c"}},
		"Select some":                   {"some": {"a", "z"}},
		"Tick the box: i am sure":       {"sure": {"no"}},
		"Until must be a real date":     {"until-day": {"30"}},
	} {
		v := url.Values{}
		for k := range good {
			v[k] = good[k]
		}
		for k := range change {
			v[k] = change[k]
		}
		f := sample()
		if f.read(v) || len(f.Mistakes) != 1 || !strings.Contains(strings.ToLower(f.Mistakes[0].Text), strings.ToLower(words)) || f.Mistakes[0].Href == "" {
			t.Errorf("%s: %+v", words, f.Mistakes)
		}
		for k := range change {
			if one := f.field(strings.TrimSuffix(k, "-day")); !one.Has(change[k][0]) {
				t.Errorf("%s: what was typed is %v now", words, one.Values)
			}
		}
	}
	if f := sample(); f.read(url.Values{}) || len(f.Mistakes) != 4 {
		t.Errorf("an empty form has the mistakes %+v", f.Mistakes)
	}
}

// SUB-01: whoever may be told is named to the person, other hubs too.
func TestAPersonIsShownWhichHubsMayBeTold(t *testing.T) {
	v := &visit{t: new(terms)}
	for said, a := range map[string]relmgroas.Audience{
		"Every member of the partnership that is a party to the agreement":                                  {Partnership: relmgroas.NewOptAudiencePartnership(true)},
		"Every member of the partnership that is a party to the agreement and the hub https://east.example": {Peers: []relmgroas.Hub{"https://east.example"}},
	} {
		if got := v.audience(a); got != said {
			t.Errorf("%+v: %q, want %q", a, got, said)
		}
	}
	there := relmgroas.MyEnquiry{Practitioner: "a-peer", Hub: relmgroas.NewOptHub("https://east.example")}
	if got := asker(there); got != "Somebody of the hub https://east.example" {
		t.Errorf("who asked at another hub is %q", got)
	}
	if got := asker(relmgroas.MyEnquiry{Practitioner: "dr-patel"}); got != "dr-patel" {
		t.Errorf("who asked here is %q", got)
	}
}

// Issue "The portal", bad input: whichever way a duty's 401 comes to a page, whoever sees it signs in again.
func TestADutysRefusalOfATokenIsKnownHoweverItComes(t *testing.T) {
	raw := &relmgroas.ProblemStatusCode{StatusCode: 401, Response: relmgroas.Problem{Type: "docs/problems.md#unauthenticated", Title: "Sign in", Status: 401}}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"none": {nil, false}, "as the client has it": {raw, true}, "as it is told": {bearer.Told(raw), true},
		"another": {&bearer.Problem{Status: 403}, false}, "no answer": {errors.New("away"), false},
	} {
		if got := isExpired(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
