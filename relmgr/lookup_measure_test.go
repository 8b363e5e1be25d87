package relmgr_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/lookup"
	"github.com/fame-hub/fame/relmgr"
)

// What private look-ups take the side that answers, as bench/README.md reports it: both
// messages verified, decided, counted against the quota, evaluated or read, and recorded. The asker's messages
// are made before. It measures and judges nothing, so it runs when it is told to:
//
//	FAME_MEASURE=1 go test -count=1 -v -run TestWhatLookUpsTakeTheAnsweringSide ./relmgr
func TestWhatLookUpsTakeTheAnsweringSide(t *testing.T) {
	if os.Getenv("FAME_MEASURE") == "" {
		t.Skip("a measurement: set FAME_MEASURE")
	}
	const people, lookUps, atOnce = 200, 1000, 32
	n := withNorthvale(t)
	n.b.terms.Settings.Quotas = decide.Quotas{PeerLookUps: 10 * lookUps}
	n.b.terms.Index()
	n.tend(t)
	for i := range people {
		n.publishTo(t, "gp", own("gp-riverside", ident.NewAct().String()[:8]+fmt.Sprint(i)), northvaleHub)
	}
	n.tend(t)
	n.tend(t) // so many want longer prefixes: an epoch that has them
	epoch, key := n.statedKey(t)
	type message struct{ voucher, text string }
	carried := func(q attest.AxleQuestion, step attest.AxleStep) message {
		text := n.stepMessage(t, q, step)
		return message{n.vouch(t, text), text}
	}
	took := func(messages []message) (answers []relmgr.LookUpAnswer, each time.Duration) {
		answers = make([]relmgr.LookUpAnswer, len(messages))
		next := make(chan int, len(messages))
		for i := range messages {
			next <- i
		}
		close(next)
		var all sync.WaitGroup
		began := time.Now()
		for range atOnce {
			all.Go(func() {
				for i := range next {
					var err error
					if answers[i], err = n.b.LookUpForPeer(t.Context(), n.b.terms, messages[i].voucher, messages[i].text); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		return answers, time.Since(began)
	}
	for round := range 5 {
		var first, second []message
		questions, askers := make([]attest.AxleQuestion, lookUps), make([]*lookup.Asker, lookUps)
		for i := range lookUps {
			questions[i] = n.question("")
			askers[i] = got[*lookup.Asker](t)(lookup.Ask(key, []lookup.Identifier{{Scheme: "national-number", Number: fmt.Sprint(round, i)}}))
			first = append(first, carried(questions[i], attest.AxleStep{Epoch: epoch, Blinded: askers[i].Blinded()[0]}))
		}
		answers, one := took(first)
		for i, a := range answers {
			if a.Outcome != relmgr.PeerEvaluated {
				t.Fatalf("%+v", a)
			}
			values := got[[]lookup.Value](t)(askers[i].Values([][]byte{a.Evaluated}, a.Proof))
			second = append(second, carried(questions[i], attest.AxleStep{Epoch: epoch, Prefix: values[0].Tag.Prefix(a.Bits)}))
		}
		answers, two := took(second)
		for _, a := range answers {
			if a.Outcome != relmgr.PeerLookedUp || len(a.Rows) != lookup.BucketSize {
				t.Fatalf("%+v", a)
			}
		}
		rate := lookUps / (one + two).Seconds()
		t.Logf("round %d: %.0f look-ups a second, %.0f of a processor of %d; first messages %v, second %v", round+1, rate, rate/float64(runtime.NumCPU()), runtime.NumCPU(), one/lookUps, two/lookUps)
	}
}
