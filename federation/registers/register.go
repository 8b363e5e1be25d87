package registers

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/fame-hub/fame/federation/entity"
)

// What a page of a register is called.
const (
	Typ         = "fame-registrars+jwt"
	ContentType = "application/" + Typ
)

// The statuses of an entry.
const (
	Admitted  = "admitted"
	Flagged   = "flagged" // below its floor once: still admitted
	Suspended = "suspended"
	Removed   = "removed"
)

// Entry is what is published of a registrar.
type Entry struct {
	// Space is the address of the identifiers that the registrar answers for: below its
	// hub's own, so that no two can overlap (FED-01).
	Space  string       `json:"space"`
	Title  string       `json:"title"`
	Keys   *entity.Keys `json:"jwks,omitempty"` // that it signs with; none once it is removed
	Status string       `json:"status"`
	// Admitted is since when it is in the register, Since since when it has its status.
	Admitted time.Time `json:"admitted"`
	Since    time.Time `json:"since"`
	Usage    string    `json:"usage"` // the feed by which a person gathers who asked
	Floor    Floor     `json:"floor"`
	Quality  *Quality  `json:"quality,omitempty"` // none before it is first published
	// Reach is its level and Areas where its people live; none where it does not say
	// (FED-24). Space says neither (FED-04).
	Reach string   `json:"reach,omitempty"`
	Areas []string `json:"areas,omitempty"`
}

// Offer is a service that the hub's members share and tell other hubs of (FED-19), and
// who answers for each part of it (FED-34).
type Offer struct {
	Address     string      `json:"address"`
	Title       string      `json:"title"`
	Function    string      `json:"function"`
	Responsible Responsible `json:"responsible"`
}

// Responsible names who answers for each part of a service.
type Responsible struct {
	Ownership   string `json:"ownership"`
	Design      string `json:"design"`
	Operation   string `json:"operation"`
	Capacity    string `json:"capacity"`
	Performance string `json:"performance"`
}

// Floor is the least that a registrar undertook.
type Floor struct {
	RecallPerMille int `json:"recall_per_mille"`
	LatencyMS      int `json:"latency_ms"`
	ErrorsPerMille int `json:"errors_per_mille"`
}

// Quality is how a registrar does, as it published it.
type Quality struct {
	RecallPerMille int       `json:"recall_per_mille"`
	LatencyMS      int       `json:"latency_ms"`
	ErrorsPerMille int       `json:"errors_per_mille"`
	PerMinute      int       `json:"per_minute"` // its capacity
	Measured       int       `json:"measured"`   // on how many recognitions
	At             time.Time `json:"at"`
}

// Meets reports whether the quality is at or above the floor.
func (f Floor) Meets(q Quality) bool {
	return q.RecallPerMille >= f.RecallPerMille && q.LatencyMS <= f.LatencyMS && q.ErrorsPerMille <= f.ErrorsPerMille
}

// Page is a page of a hub's register.
type Page struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	// Whole is the SHA-256 of the canonical JSON of all entries, and Total how many they
	// are: pages of two states of a register do not fit together.
	Whole string `json:"whole"`
	Total int    `json:"total"`
	// What else the hub publishes: an address for each, below its own.
	Services     []string `json:"services"`
	ColumnKinds  []string `json:"column_kinds"`
	Transactions []string `json:"transactions"`
	Offers       []Offer  `json:"offers,omitempty"`

	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"` // the cursor of the page after this
}

// Register is all of a hub's register.
type Register struct {
	Entries                             []Entry
	Services, ColumnKinds, Transactions []string
	Offers                              []Offer
	Issued, Expires                     time.Time
}

// ErrRefused is in every error about a register that is not to be relied on.
var ErrRefused = errors.New("registers: register refused")

// Sum names a state of a register.
func Sum(all []Entry) (string, error) {
	b, err := json.Marshal(append([]Entry{}, all...)) // none is an empty list
	if err != nil {
		return "", err
	}
	if b, err = jcs.Transform(b); err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// NextOf is the cursor that a page names, unverified: Open verifies all pages together.
func NextOf(page string) string {
	parts := strings.Split(page, ".")
	if len(parts) != 3 {
		return ""
	}
	var p struct {
		Next string `json:"next"`
	}
	if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(text, &p) != nil {
		return ""
	}
	return p.Next
}

const mostPages = 200

// Open verifies all pages of a hub's register, the first first: each is signed by the hub, and
// together they are the whole of one state of it. An entry outside the hub's own space is
// refused: nobody speaks for another's (FED-03).
func Open(pages []string, hub string, keys entity.Keys, now time.Time) (*Register, error) {
	if len(pages) == 0 || len(pages) > mostPages {
		return nil, fmt.Errorf("%w: it has one to %d pages", ErrRefused, mostPages)
	}
	out := &Register{}
	var first Page
	for i, text := range pages {
		payload, err := keys.Verify(text, Typ)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		var p Page
		if err := json.Unmarshal(payload, &p); err != nil {
			return nil, fmt.Errorf("%w: a page is not what it should be", ErrRefused)
		}
		if i == 0 {
			first = p
			out.Services, out.ColumnKinds, out.Transactions, out.Offers = p.Services, p.ColumnKinds, p.Transactions, p.Offers
			out.Issued, out.Expires = time.Unix(p.IssuedAt, 0).UTC(), time.Unix(p.Expires, 0).UTC()
		}
		switch {
		case p.Issuer != hub || p.Subject != hub:
			return nil, fmt.Errorf("%w: of another hub", ErrRefused)
		case now.Unix() >= p.Expires || p.IssuedAt > now.Add(entity.Leeway).Unix():
			return nil, fmt.Errorf("%w: not of now", ErrRefused)
		case p.Whole != first.Whole || p.Total != first.Total:
			return nil, fmt.Errorf("%w: the pages are of two states of it", ErrRefused)
		case (p.Next == "") != (i == len(pages)-1):
			return nil, fmt.Errorf("%w: a page is missing, or one is too many", ErrRefused)
		}
		if end := time.Unix(p.Expires, 0).UTC(); end.Before(out.Expires) {
			out.Expires = end
		}
		out.Entries = append(out.Entries, p.Entries...)
	}
	sum, err := Sum(out.Entries)
	if err != nil || sum != first.Whole || len(out.Entries) != first.Total {
		return nil, fmt.Errorf("%w: the entries are not the whole of it", ErrRefused)
	}
	for _, e := range out.Entries {
		if !Within(hub, e.Space) {
			return nil, fmt.Errorf("%w: an entry is outside the hub's own space", ErrRefused)
		}
	}
	for _, address := range slices.Concat(out.Services, out.ColumnKinds, out.Transactions) {
		if !Within(hub, address) {
			return nil, fmt.Errorf("%w: an address is outside the hub's own space", ErrRefused)
		}
	}
	for _, o := range out.Offers {
		if r := o.Responsible; !Within(hub, o.Address) || slices.Contains([]string{r.Ownership, r.Design, r.Operation, r.Capacity, r.Performance}, "") {
			return nil, fmt.Errorf("%w: a service is outside the hub's own space, or nobody answers for it", ErrRefused)
		}
	}
	return out, nil
}
