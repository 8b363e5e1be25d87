package signin

import (
	"slices"

	"github.com/fame-hub/fame/consent/decide"
)

// Method is a way of proving who one is, as `amr` names it (RFC 8176).
type Method string

// The methods.
const (
	Secret      Method = "pwd"
	OneTimeCode Method = "otp"
	Passkey     Method = "pop" // possession of a key, with the device's own check of its user
	Enrolment   Method = "enrolment"
)

// Level says how sure one may be that it is the person, and grows with it. It is a
// level of the authentication alone: how well the registrar knows who the person is
// goes by another scale (GPG 45) and stands in a recognition.
type Level int

// The levels, as `acr` and `acr_values` name them.
const (
	NoLevel           Level = iota
	OneFactor               // a secret, which can be told or guessed
	TwoFactors              // a secret and a code of something that one has
	PhishingResistant       // a passkey: bound to this site, and its device checked who uses it
)

var levelNames = []string{"", string(decide.OneFactor), string(decide.TwoFactors), string(decide.PhishingResistant)}

// Levels are those that there are, the lowest first.
var Levels = []Level{OneFactor, TwoFactors, PhishingResistant}

// String is the level as `acr` has it.
func (l Level) String() string {
	if l < NoLevel || int(l) >= len(levelNames) {
		return ""
	}
	return levelNames[l]
}

// ParseLevel reads an acr.
func ParseLevel(acr string) (Level, bool) {
	i := slices.Index(levelNames, acr)
	return Level(i), i > 0
}

// LevelOf is what the methods that somebody has used come to.
func LevelOf(methods []Method) Level {
	switch {
	case slices.Contains(methods, Passkey):
		return PhishingResistant
	case slices.Contains(methods, Secret) && slices.Contains(methods, OneTimeCode):
		return TwoFactors
	case slices.Contains(methods, Secret):
		return OneFactor
	}
	return NoLevel
}

// AMR is the methods as an ID token names them (RFC 8176 section 2).
func AMR(methods []Method) []string {
	var amr []string
	for _, m := range methods {
		if m == Enrolment {
			continue
		}
		amr = append(amr, string(m))
		if m == Passkey {
			amr = append(amr, "user")
		}
	}
	if LevelOf(methods) >= TwoFactors {
		amr = append(amr, "mfa")
	}
	return amr
}
