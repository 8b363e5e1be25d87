package registrar

import (
	"time"

	"github.com/fame-hub/fame/registrar/match"
)

// reviewMonths is for how long what was verified counts as so (REG-21), and
// unverifiedDays for how long what never was.
const (
	reviewMonths   = 24
	unverifiedDays = 90
)

// standing is how far an entry can be relied on, and when that is to be looked at
// again: never, of the dead. A name or a year alone is low; a name with a day of birth
// that somebody saw in a document or another register is medium, an identifier besides
// is high. An agency's own list counts for a level less (REG-18), and so does a name
// that nobody has verified since it changed. What rested on a check that was wrong is
// flagged, counts as never seen, and is to be looked at now (REG-17).
func standing(items []Kept, done []Check, selfRegistered bool, at time.Time) (c match.Confidence, next time.Time, flagged bool) {
	var name, birth, number, unverified bool
	for _, k := range items {
		seen := k.VerifiedAt != nil && (k.Source == "document" || k.Source == "other-register")
		switch {
		case k.Death != nil:
			return lower(match.Medium, selfRegistered), time.Time{}, false
		case k.Name != nil && k.Name.Use != "former":
			name = name || seen
			unverified = unverified || k.VerifiedAt == nil
		case k.Birth != nil:
			confirmed, wrong := false, false
			for _, d := range done {
				if d.Item == k.ID && d.Outcome == Confirmed {
					confirmed, wrong = confirmed || !d.Wrong, wrong || d.Wrong
				}
			}
			if wrong && !confirmed {
				flagged, seen = true, false
			}
			birth = birth || (seen || confirmed) && len(k.Birth.Date) == len(time.DateOnly) && k.Birth.Within == 0
		case k.Identifier != nil:
			number = number || seen
		}
		due := k.RecordedAt.AddDate(0, 0, unverifiedDays)
		if k.VerifiedAt != nil {
			due = k.VerifiedAt.AddDate(0, reviewMonths, 0)
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	if flagged {
		next = at
	}
	switch c = match.Low; {
	case name && birth && number && !unverified:
		c = match.High
	case name && birth:
		c = match.Medium
	}
	return lower(c, selfRegistered), next, flagged
}

// lower is one level less, but not none.
func lower(c match.Confidence, is bool) match.Confidence {
	switch {
	case is && c == match.High:
		return match.Medium
	case is && c == match.Medium:
		return match.Low
	}
	return c
}
