package signin

import "time"

// Throttle says how long the next try waits after so many failures. It waits for
// ever for nobody: the longest wait is minutes, and failures are forgotten
// (AUT-13). Who guesses somebody's secret on purpose makes that one authenticator
// slow, not the person's others.
type Throttle struct {
	Free    int           // failures that cost nothing
	First   time.Duration // the wait after the first that does; each next one doubles it
	Longest time.Duration
	Forget  time.Duration // failures older than this are forgotten
}

// PerAuthenticator is for one person's secret, or their one-time codes; a thousand
// guesses take more than ten days.
var PerAuthenticator = Throttle{Free: 5, First: 2 * time.Second, Longest: 15 * time.Minute, Forget: 24 * time.Hour}

// PerAddress is for all that is tried from one address, which may be a school's.
var PerAddress = Throttle{Free: 50, First: time.Second, Longest: time.Minute, Forget: 15 * time.Minute}

// Wait is how long after the last of so many failures the next try may be made.
func (t Throttle) Wait(failures int) time.Duration {
	if failures < t.Free {
		return 0
	}
	wait := t.First
	for i := t.Free; i < failures && wait < t.Longest; i++ {
		wait *= 2
	}
	return min(wait, t.Longest)
}

// Waits are the waits after 1, 2, … failures, up to the first that is the longest:
// what the database looks up.
func (t Throttle) Waits() (waits []time.Duration) {
	for n := 1; ; n++ {
		w := t.Wait(n)
		waits = append(waits, w)
		if w == t.Longest {
			return waits
		}
	}
}
