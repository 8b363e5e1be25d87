package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/relmgroas"
)

// represented is somebody for whom whoever has signed in acts: all that the registrar's
// statement tells of them, and their proofs. No name and no reference comes with it
// (LEG-21, SUB-12).
type represented struct {
	id     string // of this session alone
	words  string // by what authority, and which of those by the same
	decide bool   // the authority goes further than to see
	proofs []relmgroas.MyHandlesProofs

	elsewhere []statedAt
}

// Whose is who it is, in a sentence.
func (r *represented) Whose() string { return "somebody for whom you " + r.words }

// authorityWords are authorities as the contract names them, after "somebody for whom you".
var authorityWords = map[string]string{
	"parental-responsibility":   "have parental responsibility",
	"special-guardian":          "are special guardian",
	"local-authority-care":      "act as the local authority that looks after them",
	"lasting-power-of-attorney": "have a lasting power of attorney",
	"court-appointed-deputy":    "are deputy, appointed by a court",
}

// statedFor is what userinfo says of one.
type statedFor struct {
	Authority   string   `json:"authority"`
	Scope       []string `json:"scope"`
	Recognition string   `json:"recognition"`

	Elsewhere []statedAt `json:"elsewhere"`
}

// mostProofs bounds how many pages of handles are read of one person.
const mostProofs = 1000

// takeHandles takes a statement to relmgr for the proofs of one person's handles, and
// until when they hold.
func (p *Portal) takeHandles(ctx context.Context, statement string, sensitive bool) (proofs []relmgroas.MyHandlesProofs, until time.Time, err error) {
	r, err := relmgroas.NewClient(p.Duties.Relmgr, bearer.Relmgr(statement), relmgroas.WithClient(p.client))
	if err != nil {
		return nil, until, err
	}
	var cursor relmgroas.OptCursor
	for range mostProofs { // a proof names some handles; who has many is given several
		mine, err := r.FindMyHandles(ctx, relmgroas.FindMyHandlesParams{Sensitive: relmgroas.NewOptBool(sensitive), Cursor: cursor})
		if err != nil {
			return nil, until, bearer.Told(err)
		}
		proofs = append(proofs, mine.Proofs)
		if until.IsZero() || mine.Expires.Before(until) {
			until = mine.Expires
		}
		if cursor = mine.Next; !cursor.Set {
			break
		}
	}
	return proofs, until, nil
}

// takeProofs takes what the registrar said to relmgr: the statement of who has signed in,
// and those of the people for whom they act. Sensitive columns of those are not asked for:
// they say whom they know to the person alone.
func (p *Portal) takeProofs(ctx context.Context, own string, others []statedFor, who *user) error {
	who.represents = make([]*represented, len(others))
	ends := make([]time.Time, len(others)+1)
	var each errgroup.Group // each answer leaves on a beat
	each.SetLimit(8)
	each.Go(func() (err error) {
		who.proofs, ends[len(others)], err = p.takeHandles(ctx, own, who.sensitive)
		return err
	})
	for i, one := range others {
		each.Go(func() (err error) {
			r := &represented{id: rand.Text(), words: saidOf(others, i), decide: slices.Contains(one.Scope, "decide"), elsewhere: one.Elsewhere}
			r.proofs, ends[i], err = p.takeHandles(ctx, one.Recognition, false)
			who.represents[i] = r
			return err
		})
	}
	if err := each.Wait(); err != nil {
		return err
	}
	who.until = slices.MinFunc(slices.Concat(ends, []time.Time{who.until}), time.Time.Compare)
	return nil
}

// saidOf says by what authority, and counts those by the same one.
func saidOf(said []statedFor, at int) string {
	words, nth, same := authorityWords[said[at].Authority], 0, 0
	if words == "" {
		words = "act, by authority: " + lower(plain(said[at].Authority))
	}
	for i, one := range said {
		if one.Authority == said[at].Authority {
			if same++; i <= at {
				nth++
			}
		}
	}
	if same > 1 {
		words += fmt.Sprintf(" (%d of %d)", nth, same)
	}
	return words
}

// user is who has signed in, with the proofs of whomever they act for now.
func (s *session) user() *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acting == nil {
		return s.who
	}
	who := *s.who
	who.proofs, who.sensitive, who.acting, who.elsewhere = s.acting.proofs, false, s.acting, s.acting.elsewhere
	return &who
}

// mayDecide reports whether somebody may do more here than see.
func (u *user) mayDecide() bool { return u.acting == nil || u.acting.decide }

// notFurther says what the duties say to whoever's authority does not reach.
var notFurther = &bearer.Problem{Type: ours, Status: http.StatusForbidden, Title: "This page is not for you", Detail: "Your authority for this person does not go as far as to decide for them: the registrar that recorded it says how far it goes."}

// deciding serves what takes more than to see, to whoever may do it.
func deciding(serve func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if !v.who.mayDecide() {
			return notFurther
		}
		return serve(v)
	}
}

const forPath = "/me/for"

func forPage(v *visit) *page {
	pg := &page{Title: "Whose file do you want to look at?"}
	if len(v.who.represents) == 0 {
		pg.Lead = []string{"The registrar has told us of nobody for whom you act. If you have authority for somebody who cannot decide for themself, ask the registrar to record it, and sign in again."}
		return pg
	}
	pg.Lead = []string{"The registrar tells us by what authority you act, and never for whom: no name comes with it. You can tell whose file it is by who works with them. Look at it for their sake alone."}
	return pg
}

func forForm(v *visit) *form {
	f := &field{Name: "whose", Label: "Whose file?", Kind: choice, Missing: "Select whose file you want to look at", Options: []option{{Value: "own", Text: "Your own"}}}
	f.Values = []string{"own"}
	for _, r := range v.who.represents {
		hint := "You can see what is held about them. You cannot decide for them."
		if r.decide {
			hint = "You can see what is held about them, and decide for them."
		}
		f.Options = append(f.Options, option{Value: r.id, Text: "That of " + r.Whose(), Hint: hint})
		if v.who.acting == r {
			f.Values = []string{r.id}
		}
	}
	return &form{Action: Prefix + forPath, Button: "Continue", Fields: []*field{f}}
}

func showFor(v *visit) error { return v.ask(forPage(v), forForm(v)) }

func doFor(v *visit) error {
	f := forForm(v)
	if !f.read(v.values) {
		return v.again(forPage(v), f)
	}
	v.s.actFor(f.get("whose"), v.who.represents)
	return v.to(Prefix + "/me")
}

// actFor has the session act for one of those, or for whoever has signed in.
func (s *session) actFor(id string, all []*represented) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acting = nil
	for _, r := range all {
		if r.id == id {
			s.acting = r
		}
	}
}

// wasActing reports whether it acted for somebody else when it ended.
func (s *session) wasActing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acting != nil
}

// cannotAlone says what to do to whoever cannot decide for themself (LEG-21).
func cannotAlone() *bearer.Problem {
	return &bearer.Problem{Type: ours, Status: http.StatusForbidden, Title: "Somebody has to sign in for you", Detail: strings.Join([]string{
		"The registrar says that for now an adult with authority looks after this for you, such as a parent or guardian.",
		"Ask them to sign in here with the registrar, as themself, and to choose to act for you.",
		"If nobody does that for you, or you think that you can decide for yourself, tell the registrar, or somebody whom you trust at a service that works with you. The registrar can look at it again.",
	}, "\n")}
}
