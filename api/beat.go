package api

import (
	"slices"
	"time"

	"github.com/ogen-go/ogen/middleware"
)

// beat is the grid on which answers leave that another party's state decides:
// most of the work ends within the first. What is hidden costs the database a
// little more than what is absent, and a few hundred answers would tell the two
// apart (design.md section 5, invariant 5).
const beat = 10 * time.Millisecond

// coarse is what a timer of the runtime may be late by: it wakes on whole
// milliseconds counted from when it was set, so that an answer held by it alone
// still tells by its fraction of a millisecond when the work ended.
const coarse = 1500 * time.Microsecond

// OnTheBeat holds the answers of the operations named until a whole number of
// beats after their handler began, by a clock. One who goes away is not waited for.
func OnTheBeat(now func() time.Time, operations ...string) middleware.Middleware {
	return onTheBeat(now, preciseSleep, operations...)
}

func onTheBeat(now func() time.Time, sleep func(time.Duration), operations ...string) middleware.Middleware {
	return func(r middleware.Request, next middleware.Next) (middleware.Response, error) {
		if !slices.Contains(operations, r.OperationName) {
			return next(r)
		}
		began := now()
		res, err := next(r)
		took := now().Sub(began)
		due := began.Add(took - took%beat + beat)
		t := time.NewTimer(due.Sub(now()) - coarse)
		defer t.Stop()
		select {
		case <-t.C:
			sleep(due.Sub(now()))
		case <-r.Context.Done():
		}
		return res, err
	}
}
