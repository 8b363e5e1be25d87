package relmgrapi

import (
	"slices"
	"time"

	"github.com/ogen-go/ogen/middleware"

	oas "github.com/fame-hub/fame/api/relmgroas"
)

// beat is the grid on which answers leave that another party's state decides:
// most of the work ends within the first. What is hidden costs the database a
// little more than what is absent, and a few hundred answers would tell the two
// apart (design.md section 5, invariant 5).
const beat = 10 * time.Millisecond

// paced are the operations whose answer another party's state decides.
var paced = []oas.OperationName{
	oas.EnquireOperation, oas.ReadAsOfOperation, oas.CorrelateOperation, oas.ConfirmSamePersonOperation,
	oas.KeepApartOperation, oas.DisputeIdentityOperation, oas.RequestContactOperation, oas.FindMyHandlesOperation,
}

// pace holds an answer until a whole number of beats after its handler began. One
// who goes away is not waited for.
func pace(now func() time.Time) middleware.Middleware {
	return func(r middleware.Request, next middleware.Next) (middleware.Response, error) {
		if !slices.Contains(paced, r.OperationName) {
			return next(r)
		}
		began := now()
		res, err := next(r)
		t := time.NewTimer(beat - now().Sub(began)%beat)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context.Done():
		}
		return res, err
	}
}
