package relmgrapi

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ogen-go/ogen/middleware"

	oas "github.com/fame-hub/fame/api/relmgroas"
)

// What is hidden takes longer than what is absent, and neither tells by when it
// is answered (design.md section 5, invariant 5).
func TestAnAnswerLeavesOnTheBeatWhateverItTook(t *testing.T) {
	gone := errors.New("another's state")
	for _, operation := range paced {
		for took, want := range map[time.Duration]time.Duration{
			0: beat, time.Microsecond: beat, beat - time.Microsecond: beat, beat + time.Microsecond: 2 * beat, 3*beat + 1: 4 * beat,
		} {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := pace(time.Now)(middleware.Request{Context: t.Context(), OperationName: operation}, func(middleware.Request) (middleware.Response, error) {
					time.Sleep(took)
					return middleware.Response{}, gone
				})
				if got := time.Since(began); got != want || !errors.Is(err, gone) {
					t.Errorf("%s that took %v was answered after %v with %v, want %v", operation, took, got, err, want)
				}
			})
		}
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
			{Context: ctx, OperationName: oas.EnquireOperation}, {Context: t.Context(), OperationName: oas.FindActOperation},
		} {
			if _, err := pace(time.Now)(r, next); err != nil || time.Since(began) != 0 {
				t.Errorf("%s: %v after %v", r.OperationName, err, time.Since(began))
			}
		}
	})
}
