package entity

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

// What trust marks and their status are called.
const (
	MarkTyp           = "trust-mark+jwt"
	MarkContentType   = "application/" + MarkTyp
	DelegationTyp     = "trust-mark-delegation+jwt"
	StatusTyp         = "trust-mark-status-response+jwt"
	StatusContentType = "application/" + StatusTyp
)

// Mark is a trust mark (section 7): somebody's word that an entity meets what the type
// stands for.
type Mark struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Type     string `json:"trust_mark_type"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp,omitempty"`
	// ID is the issuer's own, by which it knows the mark again.
	ID string `json:"jti,omitempty"`
	// Delegation is the word of the kind's owner that the issuer may give it.
	Delegation string `json:"delegation,omitempty"`
}

// Owner owns a kind of mark, which others give in its name (section 3.1.2).
type Owner struct {
	Subject string `json:"sub"`
	Keys    *Keys  `json:"jwks"`
}

// delegation is an owner's word that somebody may give marks of its kind (section 7.2.1).
type delegation struct {
	Issuer   string `json:"iss"` // the owner
	Subject  string `json:"sub"` // who gives it
	Type     string `json:"trust_mark_type"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp,omitempty"`
}

// The statuses of a trust mark (section 8.4.2).
const (
	MarkActive  = "active"
	MarkExpired = "expired"
	MarkRevoked = "revoked"
	MarkInvalid = "invalid"
)

// MarkStatus is what the issuer says of a mark now.
type MarkStatus struct {
	Issuer   string `json:"iss"`
	IssuedAt int64  `json:"iat"`
	Mark     string `json:"trust_mark"`
	Status   string `json:"status"`
}

// ReadMark reads a mark, unverified: who its issuer would be.
func ReadMark(text string) (Mark, error) {
	payload, err := payloadOf(text)
	if err != nil {
		return Mark{}, err
	}
	return readMark(payload)
}

func readMark(payload []byte) (m Mark, err error) {
	var all map[string]any // finds repeated members at any depth
	if !utf8.Valid(payload) || json.Unmarshal(payload, &all) != nil || json.Unmarshal(payload, &m) != nil {
		return m, refused("the mark is not one JSON object without repeated members")
	}
	if m.Type == "" || CheckID(m.Issuer) != nil || CheckID(m.Subject) != nil {
		return m, refused("the mark lacks its type, issuer or subject")
	}
	return m, nil
}

// OpenMark verifies a mark about a subject by its issuer's keys. Whether the federation
// knows the issuer for that type, and by whose word it gives it, Chain.OpenMark says;
// whether it was revoked since, its issuer.
func OpenMark(text, subject string, keys Keys, now time.Time) (Mark, error) {
	payload, err := keys.Verify(text, MarkTyp)
	if err != nil {
		return Mark{}, err
	}
	m, err := readMark(payload)
	switch {
	case err != nil:
		return m, err
	case m.Subject != subject:
		return m, refused("the mark is about somebody else")
	case m.IssuedAt <= 0 || m.IssuedAt > now.Add(Leeway).Unix():
		return m, refused("the mark was issued in the future")
	case m.Expires != 0 && now.Unix() >= m.Expires:
		return m, refused("the mark has expired")
	}
	return m, nil
}

// AcceptsMark reports whether the anchor of a chain knows the issuer for marks of that
// type: one that it does not name stands for nothing, and where it names the type and
// nobody, anybody may give it (section 3.1.2).
func (c *Chain) AcceptsMark(kind, issuer string) bool {
	issuers, named := c.Issuers[kind]
	return named && (len(issuers) == 0 || slices.Contains(issuers, issuer))
}

// OpenMark verifies a mark about a subject under the anchor of a chain: its issuer, whose keys
// are given, is one that the anchor knows for that type, and where somebody owns the type, gives
// it by the owner's word. What says that it is given so, and is not, is refused.
func (c *Chain) OpenMark(text, subject string, keys Keys, now time.Time) (Mark, error) {
	m, err := OpenMark(text, subject, keys, now)
	if err != nil {
		return m, err
	}
	owner, owned := c.Owners[m.Type]
	switch {
	case !c.AcceptsMark(m.Type, m.Issuer):
		return Mark{}, refused("the anchor does not know the issuer for marks of that type")
	case owned:
		return m, owner.delegated(m, now)
	case m.Delegation != "":
		return Mark{}, refused("the mark is given in the name of somebody whom the anchor does not know to own its type")
	}
	return m, nil
}

// delegated verifies that the owner has the issuer of a mark give it (section 7.3).
func (o Owner) delegated(m Mark, now time.Time) error {
	payload, err := o.Keys.Verify(m.Delegation, DelegationTyp)
	if err != nil {
		return err
	}
	var all map[string]any
	var d delegation
	if !utf8.Valid(payload) || json.Unmarshal(payload, &all) != nil || json.Unmarshal(payload, &d) != nil {
		return refused("the delegation is not one JSON object without repeated members")
	}
	switch {
	case d.Issuer != o.Subject || d.Subject != m.Issuer || d.Type != m.Type:
		return refused("the delegation is another owner's, of another type or to somebody else")
	case d.IssuedAt <= 0 || d.IssuedAt > now.Add(Leeway).Unix():
		return refused("the delegation was issued in the future")
	case d.Expires != 0 && now.Unix() >= d.Expires:
		return refused("the delegation has expired")
	}
	return nil
}

// OpenStatus verifies what an issuer says of a mark: its own word, about that very mark, and
// new.
func OpenStatus(text, issuer, mark string, keys Keys, now time.Time) (status string, err error) {
	payload, err := keys.Verify(text, StatusTyp)
	if err != nil {
		return "", err
	}
	var s MarkStatus
	if json.Unmarshal(payload, &s) != nil || s.Issuer != issuer || s.Mark != mark || s.Status == "" {
		return "", refused("the status is another issuer's, or another mark's")
	}
	if s.IssuedAt > now.Add(Leeway).Unix() || s.IssuedAt < now.Add(-time.Hour).Unix() {
		return "", refused("the status is not of now")
	}
	return s.Status, nil
}
