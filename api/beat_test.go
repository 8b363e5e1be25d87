package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ogen-go/ogen/middleware"
)

// What is hidden takes longer than what is absent, and neither tells by when it
// is answered (design.md section 5, invariant 5).
func TestAnAnswerLeavesOnTheBeatWhateverItTook(t *testing.T) {
	gone := errors.New("another's state")
	for took, want := range map[time.Duration]time.Duration{
		0: beat, time.Microsecond: beat, beat - time.Microsecond: beat, beat + time.Microsecond: 2 * beat, 3*beat + 1: 4 * beat,
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, err := onTheBeat(time.Now, time.Sleep, "Enquire")(middleware.Request{Context: t.Context(), OperationName: "Enquire"}, func(middleware.Request) (middleware.Response, error) {
				time.Sleep(took)
				return middleware.Response{}, gone
			})
			if got := time.Since(began); got != want || !errors.Is(err, gone) {
				t.Errorf("what took %v was answered after %v with %v, want %v", took, got, err, want)
			}
		})
	}
}

// The end of a wait is not left to a timer of the runtime, which would be late by
// what is left of a millisecond since the work ended.
func TestTheLastOfTheWaitIsTheKernels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept time.Duration
		_, err := onTheBeat(time.Now, func(d time.Duration) { slept = d }, "Enquire")(middleware.Request{Context: t.Context(), OperationName: "Enquire"},
			func(middleware.Request) (middleware.Response, error) { return middleware.Response{}, nil })
		if err != nil || slept != coarse {
			t.Errorf("%v were left to it, and %v", slept, err)
		}
	})
	preciseSleep(-1)
	began := time.Now()
	if preciseSleep(time.Millisecond); time.Since(began) < time.Millisecond {
		t.Error("it woke too early")
	}
}

// Whoever goes is not waited for, and what nobody else's state decides does not
// wait.
func TestNobodyWaitsInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		next := func(middleware.Request) (middleware.Response, error) { return middleware.Response{}, nil }
		for _, r := range []middleware.Request{
			{Context: ctx, OperationName: "Enquire"}, {Context: t.Context(), OperationName: "FindAct"},
		} {
			if _, err := OnTheBeat(time.Now, "Enquire")(r, next); err != nil || time.Since(began) != 0 {
				t.Errorf("%s: %v after %v", r.OperationName, err, time.Since(began))
			}
		}
	})
}
