package consent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

const (
	// ReceiptsKey is the key that signs receipts of consents. Whoever wires the
	// duty makes it (seal.KindSign) and publishes its public half.
	ReceiptsKey seal.KeyID = "sign/consent/1"

	// TypReceipt is the type of a signed receipt.
	TypReceipt = "fame-consent-receipt+jwt"

	// receiptSchema names what the fields below are.
	receiptSchema = "ISO/IEC TS 27560:2023; fame 1"
)

// State says whether a consent was withdrawn.
type State string

// The states.
const (
	Given     State = "given"
	Withdrawn State = "withdrawn"
)

// SignedReceipt is a receipt of a consent as it stood when it was issued.
type SignedReceipt struct {
	State State
	JWS   string // compact, of TypReceipt
}

// receipt has the fields of ISO/IEC TS 27560 by their names there, as far as
// the duty knows them: pii_principal_id it does not, since it would name the
// person. The person keeps the receipt and shows it; record_id is how the
// agency finds what it is of.
type receipt struct {
	Issuer   string `json:"iss"`
	IssuedAt int64  `json:"iat"`

	SchemaVersion string           `json:"schema_version"`
	Receipt       string           `json:"receipt_id"`
	Record        ident.ConsentID  `json:"record_id"`
	Jurisdiction  string           `json:"jurisdiction"`
	LawProfile    string           `json:"law_profile"` // ours: the profile that the partnership goes by
	Notice        string           `json:"privacy_notice"`
	Basis         decide.Ground    `json:"lawful_basis"`
	Controllers   []ident.Agency   `json:"pii_controllers"`
	Purposes      []receiptPurpose `json:"purposes"`
	Information   []receiptPII     `json:"pii_information"`
	Recipients    decide.Audience  `json:"recipient_third_parties"`
	Withdrawal    string           `json:"withdrawal_method"`
	Parties       []receiptParty   `json:"party_identification"`
	Events        []receiptEvent   `json:"events"` // the newest last: its state is the consent's
}

type receiptPurpose struct {
	Purpose string `json:"purpose"`
	Title   string `json:"title"`
}

type receiptPII struct {
	Type  string `json:"pii_type"`
	Title string `json:"title"`
}

type receiptParty struct {
	Party ident.Agency `json:"party_id"`
	Name  string       `json:"party_name"`
	Role  string       `json:"party_role"`
}

type receiptEvent struct {
	Time          time.Time     `json:"event_time"`
	Type          string        `json:"event_type"`
	State         State         `json:"event_state"`
	Until         *time.Time    `json:"validity_until,omitempty"` // ours: an instant, where the standard has a duration
	Evidence      Evidence      `json:"evidence"`
	Understanding Understanding `json:"understanding,omitempty"` // ours
	// ours: by what authority a proxy gave it; who is not said
	Authority Authority `json:"authority,omitempty"`
	// ours: the commitment of the act, in hexadecimal. Whoever holds the receipt
	// can have the log prove that it is there.
	Commitment string `json:"commitment"`
}

// Receipt issues a signed receipt of a consent to those who may Find it.
//
// It is not a statement of internal/attest: those are for one audience and for
// minutes, and this one is for whoever the person shows it to, for as long as
// they keep it. So it has neither aud nor exp, and its type, which no duty
// accepts, keeps it from passing for anything else.
func (s *Service) Receipt(ctx context.Context, caller decide.Caller, id ident.ConsentID) (signed SignedReceipt, err error) {
	defer fault.Wrap(&err, "consent.Receipt")
	c, err := s.Find(ctx, caller, id)
	if err != nil {
		return SignedReceipt{}, err
	}
	r := receiptOf(c, caller.Terms)
	r.Receipt, r.IssuedAt = rand.Text(), s.now().Unix()
	signed.State = r.Events[len(r.Events)-1].State
	signed.JWS, err = s.receipts.SignLasting(ctx, TypReceipt, r)
	if errors.Is(err, seal.ErrNoKey) {
		return SignedReceipt{}, fault.New(fault.NotServed, "this hub was made without a key for receipts: ask its operator to make one").Because(err)
	}
	return signed, err
}

func receiptOf(c Consent, terms *decide.Terms) receipt {
	r := receipt{
		Issuer: terms.Partnership.Hub, SchemaVersion: receiptSchema, Record: c.ID,
		Jurisdiction: terms.Partnership.Jurisdiction, LawProfile: terms.Profile.ID, Notice: c.Wording,
		Basis: decide.ImpliedConsent, Controllers: []ident.Agency{c.CapturedBy}, Recipients: c.Audience,
		Withdrawal: "Tell anyone at " + terms.AgencyName(c.CapturedBy) + " who may record consents. It takes effect with the next request.",
		Parties:    []receiptParty{{c.CapturedBy, terms.AgencyName(c.CapturedBy), "pii-controller"}},
		Events: []receiptEvent{{Time: c.From, Type: "implied", State: Given, Until: &c.Until, Evidence: c.Evidence,
			Understanding: c.Understanding, Commitment: hex.EncodeToString(c.Commitment)}},
	}
	if c.Explicit {
		r.Basis, r.Events[0].Type = decide.ExplicitConsent, "explicit"
	}
	if c.Proxy != nil {
		r.Events[0].Authority = c.Proxy.Authority
	}
	for _, code := range c.Purposes {
		r.Purposes = append(r.Purposes, receiptPurpose{code, decide.TitleOf(terms.Codes.Purposes, code)})
	}
	for _, code := range c.Aspects {
		r.Information = append(r.Information, receiptPII{code, decide.TitleOf(terms.Codes.Aspects, code)})
	}
	if c.Audience.Kind == decide.ToAgencies {
		for _, name := range c.Audience.Names {
			agency := ident.Agency(name)
			r.Parties = append(r.Parties, receiptParty{agency, terms.AgencyName(agency), "recipient"})
		}
	}
	if !c.Withdrawn.IsZero() {
		r.Events = append(r.Events, receiptEvent{
			Time: c.Withdrawn, Type: r.Events[0].Type, State: Withdrawn, Evidence: c.WithdrawnBy,
			Commitment: hex.EncodeToString(c.WithdrawnCommitment),
		})
	}
	return r
}
