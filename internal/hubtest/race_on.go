//go:build race

package hubtest

// race says whether the test runs under the race detector, so that the
// programs do too.
const race = true
