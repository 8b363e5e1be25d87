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
	var all map[string]any
	if !utf8.Valid(payload) || json.Unmarshal(payload, &all) != nil || json.Unmarshal(payload, &m) != nil {
		return m, refused("the mark is not one JSON object without repeated members")
	}
	if _, delegated := all["delegation"]; delegated {
		return m, refused("the mark is given in somebody else's name, which is not accepted here")
	}
	if m.Type == "" || CheckID(m.Issuer) != nil || CheckID(m.Subject) != nil {
		return m, refused("the mark lacks its type, issuer or subject")
	}
	return m, nil
}

// OpenMark verifies a mark about a subject by its issuer's keys. Whether the federation
// knows the issuer for that type, AcceptsMark says; whether it was revoked since, its
// issuer.
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
// type: one that it does not name stands for nothing (section 7.3).
func (c *Chain) AcceptsMark(kind, issuer string) bool {
	return slices.Contains(c.Issuers[kind], issuer)
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
