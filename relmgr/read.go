package relmgr

import (
	"context"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Why says what a read of what is recorded is for (QRY-09).
type Why struct {
	Purpose string
	Reason  string
}

// check refuses codes that the partnership has not declared.
func (w Why) check(t *decide.Terms) error {
	if !decide.Has(t.Codes.Purposes, w.Purpose) {
		return fault.At("/purpose", "name a purpose of the partnership's list")
	}
	return declaredReason(t, w.Reason)
}

// declaredReason refuses a reason that the partnership has not declared.
func declaredReason(t *decide.Terms, reason string) error {
	if !decide.Has(t.Codes.Reasons, reason) {
		return fault.At("/reason", "name a reason of the partnership's list")
	}
	return nil
}

// What is read of what is recorded. Reads of these count as enquiries; those of
// somebody's own requests, answers and consents do not.
const (
	readActs     = "acts"
	readAct      = "act"
	readContacts = "contact-requests" // those that have escalated to the reader
	readReviews  = "reviews"
	readAsOf     = "as-of" // what was told on an earlier date
	readNotices  = "notices"
	readCases    = "cases" // what waits in a column
)

// What else than enquiries an agency looks at again, by reference: a read of
// these is one of reviews, and its record says of which.
const (
	listUntold     = "untold"
	listObjections = "objections"
	listDecisions  = "decisions"
	listAsOf       = "as-of-enquiries" // those that wait for approval
	listRepairs    = "repairs"         // what registrars' mistakes have suspended
)

// reading is the record of a read: its JSON is what the commitment covers.
type reading struct {
	Enquiry      ident.EnquiryID    `json:"enquiry"`
	At           time.Time          `json:"at"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	Reads        string             `json:"reads"`
	List         string             `json:"list,omitempty"`
	Column       ident.Column       `json:"column,omitempty"`
	Handle       ident.HandleID     `json:"handle,omitzero"`
	Purpose      string             `json:"purpose"`
	Reason       string             `json:"reason"`
	TermsVersion int64              `json:"terms_version"`
	Shown        []string           `json:"shown"` // ids of what was shown: acts, references of acts, deliveries or reviews

	// Of a notice: which of earlier disclosures are over.
	Retracted []disclosure `json:"retracted,omitempty"`

	// Of the answer about an earlier date, and of a notice.
	Concerning  string           `json:"concerning,omitempty"`
	Transaction string           `json:"transaction,omitempty"`
	Asks        ident.ActID      `json:"asks,omitzero"` // the act that asked
	Decision    *decide.Decision `json:"decision,omitempty"`
	Disclosed   []disclosure     `json:"disclosed,omitempty"`
}

// recordRead records that the caller is about to be shown these, as an enquiry
// with a leaf of its own. Call it last: what it returns nil for is durable.
func (s *Service) recordRead(ctx context.Context, who decide.Caller, r reading, why Why, at time.Time) error {
	_, _, err := s.recordReading(ctx, who, r, why, at)
	return err
}

// recordReading is recordRead for a read that is answered as an enquiry.
func (s *Service) recordReading(ctx context.Context, who decide.Caller, r reading, why Why, at time.Time) (ident.EnquiryID, []byte, error) {
	r.Enquiry, r.At, r.Practitioner, r.Agency, r.TermsVersion = ident.NewEnquiry(), at, who.Practitioner, who.Agency, who.Terms.Version
	r.Purpose, r.Reason = why.Purpose, why.Reason
	if r.Role == "" {
		r.Role = who.AnyRole()
	}
	l, err := s.leafOf(ctx, r.Enquiry, r)
	if err != nil {
		return r.Enquiry, nil, err
	}
	handles, decisions := told(r.Disclosed)
	gone, because := told(r.Retracted)
	if err := s.q.RecordRead(ctx, s.db, relmgrdb.RecordReadParams{
		EnquiryID: r.Enquiry, WrappedKey: l.WrappedKey, Commitment: l.Commitment, At: r.At, PractitionerID: r.Practitioner, AgencyID: r.Agency,
		Role: r.Role, ColumnID: string(r.Column), HandleID: ident.UntypedID(r.Handle), Purpose: r.Purpose, Reason: r.Reason, Concerning: r.Concerning,
		Transaction: r.Transaction, Reads: r.Reads, TermsVersion: r.TermsVersion, Sealed: l.Sealed, ToldHandles: handles, ToldDecisions: decisions,
		GoneHandles: gone, GoneDecisions: because,
	}); err != nil {
		return r.Enquiry, nil, pg.Fault(err)
	}
	return r.Enquiry, l.Commitment, nil
}

// told are disclosures as array parameters take them.
func told(list []disclosure) (handles, decisions []string) {
	handles, decisions = make([]string, len(list)), make([]string, len(list))
	for i, d := range list {
		handles[i], decisions[i] = d.Handle.String(), d.Decision.String()
	}
	return handles, decisions
}
