package web

import (
	"container/list"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/relmgroas"
)

const (
	mostSessions = 10_000
	longest      = 12 * time.Hour // a session, however busy
	mostOnce     = 500            // forms that one session remembers to have sent
	mostAnswers  = 50             // enquiries that one session remembers
)

// user is who has signed in: a practitioner, or somebody as themself.
type user struct {
	party   string // where
	subject string // the issuer's name for them
	Name    string // shown to them

	token string             // a practitioner's, for the duties
	in    governanceoas.User // a practitioner, in the register of users

	proofs    []relmgroas.MyHandlesProofs // somebody's own handles, for each duty
	sensitive bool                        // the proofs name sensitive columns too
	elsewhere []statedAt                  // what each other hub is told of who they are
	until     time.Time                   // token and proofs hold no longer

	represents []*represented // for whom they act
	acting     *represented   // for whom they do now: the proofs are that person's. nil: for themself
}

// session is what the portal remembers of a browser.
type session struct {
	id    string
	began time.Time
	seen  time.Time // under sessions.mu
	who   *user

	mu    sync.Mutex
	once  map[string]*sent
	order []string
	said  []string // what was done just now
	// acting is for whom it acts, nil for whoever has signed in.
	acting *represented
	kept
}

// kept is what somebody finds again when their session has ended and they sign in anew.
type kept struct {
	answers []asked // newest first
	draft   *draft
	code    spokenCode   // made last
	found   []found      // what registers said, newest first
	told    []told       // newest first
	imports []*importing // newest first
}

// sent is a form that has been sent, or is being: whoever sends it again waits for the
// first to end, and is led to where that led.
type sent struct {
	done chan struct{}
	to   string
}

// draft is what somebody had typed when their session had ended.
type draft struct {
	path   string
	values url.Values
}

// sessions are all of them. A session that has been idle is kept for what was typed into
// it, and opens nothing.
type sessions struct {
	now  func() time.Time
	idle time.Duration

	mu    sync.Mutex
	byID  map[string]*list.Element
	order *list.List // of *session, the newest seen first
}

func newSessions(now func() time.Time, idle time.Duration) *sessions {
	return &sessions{now: now, idle: idle, byID: map[string]*list.Element{}, order: list.New()}
}

// begin makes a session of somebody who has signed in, under a new number.
func (s *sessions) begin(who *user) *session {
	one := &session{id: rand.Text(), began: s.now(), seen: s.now(), who: who, once: map[string]*sent{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[one.id] = s.order.PushFront(one)
	for s.order.Len() > mostSessions {
		s.drop(s.order.Back())
	}
	return one
}

// find is the session of that number, nil if there is none, and whether it is still open.
func (s *sessions) find(id string) (one *session, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[id]
	if e == nil {
		return nil, false
	}
	one, _ = e.Value.(*session)
	now := s.now()
	if now.Sub(one.began) > longest {
		s.drop(e)
		return nil, false
	}
	if now.Sub(one.seen) > s.idle || !now.Before(one.who.until) {
		return one, false
	}
	one.seen = now
	s.order.MoveToFront(e)
	return one, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byID[id]; e != nil {
		s.drop(e)
	}
}

func (s *sessions) drop(e *list.Element) {
	one, _ := s.order.Remove(e).(*session)
	delete(s.byID, one.id)
}

// first reports whether a form of that number is sent for the first time: then done must
// be called with where it led, or with "" if nothing came of it. If it was sent before,
// to is where that led.
func (s *session) first(number string) (first bool, to string, done func(to string)) {
	s.mu.Lock()
	before := s.once[number]
	if before == nil {
		mine := &sent{done: make(chan struct{})}
		s.once[number] = mine
		if s.order = append(s.order, number); len(s.order) > mostOnce {
			delete(s.once, s.order[0])
			s.order = s.order[1:]
		}
		s.mu.Unlock()
		return true, "", func(to string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if mine.to = to; to == "" {
				delete(s.once, number)
			}
			close(mine.done)
		}
	}
	s.mu.Unlock()
	<-before.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return false, before.to, nil
}

// remember keeps an answer for its own pages.
func (s *session) remember(a asked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append([]asked{a}, s.answers[:min(len(s.answers), mostAnswers-1)]...)
}

func (s *session) answer(id string) (asked, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.answers {
		if string(a.Answer.ID) == id {
			return a, true
		}
	}
	return asked{}, false
}

func (s *session) recent() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]asked{}, s.answers...)
}

// takeDraft is what was typed on that page before the session, once.
func (s *session) takeDraft(path string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draft == nil || s.draft.path != path {
		return nil
	}
	values := s.draft.values
	s.draft = nil
	return values
}

func (s *session) keepDraft(d *draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draft = d
}

// The cookies. Lax lets them come along when an issuer sends somebody back, and with no
// page of another site's making; __Host- keeps them to this host and to secure
// connections, which a portal that is tried on one's own machine has not.
func (p *Portal) cookie(name, value string, age time.Duration) *http.Cookie {
	if p.secure {
		name = "__Host-" + name
	}
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()), Secure: p.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

const (
	sessionCookie = "fame-portal"
	flowCookie    = "fame-portal-sign-in"
)

func (p *Portal) read(r *http.Request, name string) string {
	if p.secure {
		name = "__Host-" + name
	}
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > 4096 {
		return ""
	}
	return c.Value
}

// box seals what the portal gives a browser to keep, under a key of this process.
type box struct{ aead cipher.AEAD }

func newBox() box {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has a length of AES's
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block is AES's
	}
	return box{aead}
}

func (b box) seal(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, text, nil)), nil
}

func (b box) open(sealed string, v any) error {
	text, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(text) < b.aead.Overhead() {
		return errors.New("portal: not one of ours")
	}
	if text, err = b.aead.Open(nil, nil, text, nil); err != nil {
		return errors.New("portal: not one of ours")
	}
	return json.Unmarshal(text, v)
}

// expire ends what a session may do, and keeps what was typed into it.
func (s *sessions) expire(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.seen = one.seen.Add(-2 * s.idle)
}
