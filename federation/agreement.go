package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/fame-hub/fame/internal/fault"
)

// Agreement is what two hubs have agreed: each confirms the same one, and narrows by it
// what it answers. Within it each decides by its own policy.
type Agreement struct {
	Code     string   `json:"code"`
	Title    string   `json:"title"`
	Purposes []string `json:"purposes"` // for which the hubs may ask each other
	Roles    []string `json:"roles"`    // whose questions may cross
	// Minutes is within how long what has ended at one hub has ended at the other.
	Minutes int       `json:"minutes"`
	Until   time.Time `json:"until"`
	// Relays are those of the two hubs that pass on, to and from the other, what comes from
	// and goes to the hubs with which they have agreed so too (FED-35).
	Relays []string `json:"relays,omitempty"`
}

// Bound is Minutes as a duration.
func (a Agreement) Bound() time.Duration { return time.Duration(a.Minutes) * time.Minute }

// longestBound is the most that an agreement may let what has ended live on elsewhere.
const longestBound = 24 * 60

// Digest names an agreement: SHA-256 of its canonical JSON (RFC 8785).
type Digest [sha256.Size]byte

// String is in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// canonical is the agreement's canonical JSON.
func (a Agreement) canonical() ([]byte, error) {
	a.Until = a.Until.UTC().Truncate(time.Second)
	b, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(b)
}

// Digest returns the agreement's name.
func (a Agreement) Digest() (Digest, error) {
	b, err := a.canonical()
	return sha256.Sum256(b), err
}

// check refuses what nobody could keep.
func (a Agreement) check(now time.Time) error {
	switch {
	case a.Code == "" || a.Title == "":
		return fault.At("/agreement/code", "give the agreement a code and a title")
	case len(a.Purposes) == 0:
		return fault.At("/agreement/purposes", "name the purposes for which the hubs may ask each other")
	case len(a.Roles) == 0:
		return fault.At("/agreement/roles", "name the roles whose questions may cross")
	case a.Minutes < 1 || a.Minutes > longestBound:
		return fault.At("/agreement/minutes", "write within how many minutes an end reaches the other hub, 1 to %d", longestBound)
	case !a.Until.After(now):
		return fault.At("/agreement/until", "write an end that is to come")
	}
	return nil
}

// agreementOf reads an agreement that somebody else wrote.
func agreementOf(text []byte) (a Agreement, d Digest, err error) {
	if err := json.Unmarshal(text, &a); err != nil {
		return a, d, err
	}
	d, err = a.Digest()
	return a, d, err
}
