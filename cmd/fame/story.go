package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	consentoas "github.com/fame-hub/fame/api/consentoas"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/ident"
)

// desk is who does what for a column of Riverside: whoever publishes, whoever
// may impose, and whoever correlates, where somebody does.
type desk struct {
	publisher, lead, manager string
	// The powers that its agency holds for co-ordinating care, by agreement.
	children, homeless string
	sensitive          bool
}

var desks = map[ident.Column]desk{
	"gp-riverside":     {publisher: "dr-patel", lead: "dr-brandt", manager: "dr-brandt", children: "children-act-2004-s10", homeless: "nhs-act-2006-s83"},
	"gp-patel":         {publisher: "dr-patel", children: "children-act-2004-s10", homeless: "nhs-act-2006-s83"},
	"school-pastoral":  {publisher: "ms-okafor", lead: "mrs-hale", manager: "mrs-hale", children: "education-act-2002-s175"},
	"social-care":      {publisher: "mr-lindqvist", lead: "ms-novak", manager: "mr-lindqvist", children: "children-act-2004-s10", homeless: "localism-act-2011-s1"},
	"early-help":       {publisher: "mr-lindqvist", lead: "ms-novak", manager: "mr-lindqvist", children: "children-act-2004-s10", homeless: "localism-act-2011-s1"},
	"police-riverside": {publisher: "pc-dunne", lead: "sgt-adeyemi", children: "children-act-2004-s10"},
	"clinic-bridge":    {publisher: "nurse-tran", lead: "dr-silva", children: "children-act-2004-s10", homeless: "nhs-act-2006-s2b", sensitive: true},
	"shelter":          {publisher: "sam-shelter", lead: "jo-shelter", manager: "sam-shelter", homeless: "charity-objects"},
}

// storyteller plays the people of Riverside against a running hub: every step
// is a request that the person in the story would make.
type storyteller struct {
	// as signs somebody in.
	as func(name string) (*person, error)
	// consents holds the last consent captured for a column's identifier, for
	// stories in which it is withdrawn.
	consents map[relmgroas.LocalIdentifier]consentoas.ID
	now      func() time.Time
}

// relate publishes, correlates and excludes as people.yaml says of one person.
func (s *storyteller) relate(ctx context.Context, who riverside.Person) error {
	for _, p := range who.Publishes {
		if _, err := s.publish(ctx, who, p); err != nil {
			return fmt.Errorf("publish in %s: %w", p.Column, err)
		}
	}
	for _, pair := range who.Correlates {
		act, err := s.correlate(ctx, who, pair[0], pair[1])
		if err != nil {
			return fmt.Errorf("correlate %s with %s: %w", pair[0], pair[1], err)
		}
		if who.Separates {
			if err := s.separate(ctx, desks[pair[0]].manager, act); err != nil {
				return fmt.Errorf("separate %s from %s: %w", pair[0], pair[1], err)
			}
		}
	}
	for _, agency := range who.Excludes {
		if err := s.exclude(ctx, who, "gp-riverside", agency); err != nil {
			return fmt.Errorf("exclude %s: %w", agency, err)
		}
	}
	return nil
}

// publish has the column's own person publish, on the person's explicit consent
// or, where there is none to be had, imposed by the safeguarding lead.
func (s *storyteller) publish(ctx context.Context, who riverside.Person, p riverside.Publication) (*relmgroas.ActReceipt, error) {
	name := desks[p.Column].publisher
	if who.Imposed != "" {
		name = desks[p.Column].lead
	}
	client, err := s.as(name)
	if err != nil {
		return nil, err
	}
	decision, mode, err := s.decide(ctx, client, who, p.Column, agreementFor(who, p.Column))
	if err != nil {
		return nil, err
	}
	req := &relmgroas.RelationshipRequest{
		Column: relmgroas.Code(p.Column), Identifier: relmgroas.LocalIdentifier(who.Identifiers[p.Column]), Role: relmgroas.Code(p.Role),
		Mode: mode, Reason: "working-with-person", Decision: decision,
	}
	for _, o := range p.Offers {
		offer := relmgroas.OfferRequest{Kind: relmgroas.OfferKind(o.Kind), Contact: relmgroas.Code(o.Contact)}
		for _, t := range o.Transactions {
			offer.Transactions = append(offer.Transactions, relmgroas.Code(t))
		}
		req.Offers = append(req.Offers, offer)
	}
	act, err := client.relmgr.PublishRelationship(ctx, req, relmgroas.PublishRelationshipParams{})
	return act, bearer.Told(err)
}

// correlate has the other column's person read out a code, and the manager of
// the first column use it: neither types the other's identifier.
func (s *storyteller) correlate(ctx context.Context, who riverside.Person, mine, other ident.Column) (relmgroas.ID, error) {
	reader, manager := desks[other].publisher, desks[mine].manager
	if who.Imposed != "" {
		reader = desks[other].lead
	}
	agreement := "riverside-children"
	if mine == "shelter" || other == "shelter" {
		agreement = "riverside-homeless"
	}
	there, err := s.as(reader)
	if err != nil {
		return "", err
	}
	theirs, _, err := s.decide(ctx, there, who, other, agreement)
	if err != nil {
		return "", err
	}
	pairing, err := there.relmgr.OpenPairing(ctx, &relmgroas.PairingRequest{
		Column: relmgroas.Code(other), Identifier: relmgroas.LocalIdentifier(who.Identifiers[other]), Decision: theirs,
	})
	if err != nil {
		return "", bearer.Told(err)
	}
	here, err := s.as(manager)
	if err != nil {
		return "", err
	}
	ours, mode, err := s.decide(ctx, here, who, mine, agreement)
	if err != nil {
		return "", err
	}
	act, err := here.relmgr.Correlate(ctx, &relmgroas.CorrelationRequest{
		Column: relmgroas.Code(mine), Identifier: relmgroas.LocalIdentifier(who.Identifiers[mine]), Pairing: relmgroas.NewOptPairingCode(pairing.Code),
		Mode: mode, Reason: "same-person-found", Decision: ours,
	}, relmgroas.CorrelateParams{})
	if err != nil {
		return "", bearer.Told(err)
	}
	return act.Act, nil
}

func (s *storyteller) separate(ctx context.Context, manager string, act relmgroas.ID) error {
	client, err := s.as(manager)
	if err != nil {
		return err
	}
	_, err = client.relmgr.Separate(ctx, &relmgroas.SeparationRequest{Correlations: []relmgroas.ID{act}, Reason: "not-the-same-person"}, relmgroas.SeparateParams{})
	return bearer.Told(err)
}

// exclude has the column's person record whom the subject leaves out.
func (s *storyteller) exclude(ctx context.Context, who riverside.Person, column ident.Column, agency ident.Agency) error {
	client, err := s.as(desks[column].publisher)
	if err != nil {
		return err
	}
	proof, err := s.proof(ctx, client, who, column)
	if err != nil {
		return err
	}
	_, err = client.consent.ExcludeAgency(ctx, &consentoas.ExclusionRequest{
		Proof: proof, Agency: consentoas.Code(agency), Evidence: consentoas.ExclusionRequestEvidenceSpokenAndNoted,
	})
	return bearer.Told(err)
}

// decide is the holder's side for a column: an explicit consent captured just
// now, or the ground on which the act is imposed.
func (s *storyteller) decide(ctx context.Context, client *person, who riverside.Person, column ident.Column, agreement string) (relmgroas.Decision, relmgroas.Mode, error) {
	d := desks[column]
	until := s.now().AddDate(1, 0, 0).UTC().Truncate(time.Second)
	decision := relmgroas.Decision{
		Agreement: relmgroas.Code(agreement), Power: relmgroas.Code(d.children), Purposes: []relmgroas.Code{"co-ordinate-care"},
		Aspects: []relmgroas.Code{"relationship"}, Audience: relmgroas.Audience{Partnership: relmgroas.NewOptAudiencePartnership(true)},
		Proportionality: relmgroas.Proportionality{Necessary: true, Safeguards: true, Aim: "protect-health"},
		Ground:          relmgroas.GroundExplicitConsent, Conditions: relmgroas.Conditions{Ordinary: "art6-public-task"}, Until: until,
	}
	if agreement == "riverside-homeless" {
		decision.Power = relmgroas.Code(d.homeless)
	}
	if d.sensitive {
		decision.Conditions.Sensitive = relmgroas.NewOptCode("art9-health-social-care")
	}
	if who.Imposed != "" {
		decision.Ground, decision.Reason = relmgroas.Ground(who.Imposed), relmgroas.NewOptCode(relmgroas.Code(who.Reason))
		return decision, relmgroas.ModeImposed, nil
	}
	proof, err := s.proof(ctx, client, who, column)
	if err != nil {
		return decision, "", err
	}
	consent, err := client.consent.CaptureConsent(ctx, &consentoas.ConsentRequest{
		Proof: proof, Explicit: true, Audience: consentoas.Audience{Partnership: consentoas.NewOptAudiencePartnership(true)},
		Purposes: []consentoas.Code{"co-ordinate-care"}, Aspects: []consentoas.Code{"relationship"}, Until: until,
		Evidence: consentoas.ConsentRequestEvidenceSpokenAndNoted, Wording: "riverside-leaflet-3",
	})
	if err != nil {
		return decision, "", bearer.Told(err)
	}
	decision.Consents = []relmgroas.ID{relmgroas.ID(consent.Consent)}
	s.consents[relmgroas.LocalIdentifier(who.Identifiers[column])] = consent.Consent
	return decision, relmgroas.ModeSupplierWithConsent, nil
}

// proof is relmgr's proof, for consent, that the caller's column knows the
// person.
func (s *storyteller) proof(ctx context.Context, client *person, who riverside.Person, column ident.Column) (consentoas.HandleProof, error) {
	h, err := client.relmgr.FindHandle(ctx, &relmgroas.HandleRequest{
		Column: relmgroas.Code(column), Identifier: relmgroas.LocalIdentifier(who.Identifiers[column]),
	})
	if err != nil {
		return "", bearer.Told(err)
	}
	return consentoas.HandleProof(h.Proofs.Consent), nil
}

// ask asks about whomever the asker's column calls that.
func (s *storyteller) ask(ctx context.Context, name string, column ident.Column, identifier, transaction string) (*relmgroas.Answer, error) {
	client, err := s.as(name)
	if err != nil {
		return nil, err
	}
	q := &relmgroas.EnquiryRequest{
		Column: relmgroas.Code(column), Identifier: relmgroas.NewOptLocalIdentifier(relmgroas.LocalIdentifier(identifier)), Purpose: "co-ordinate-care",
		Reason: "working-with-person", Concerning: relmgroas.EnquiryRequestConcerningNotKnown,
	}
	if transaction != "" {
		q.Transaction = relmgroas.NewOptCode(relmgroas.Code(transaction))
	}
	a, err := client.relmgr.Enquire(ctx, q)
	return a, bearer.Told(err)
}

// withdraw withdraws the last consent captured for an identifier.
func (s *storyteller) withdraw(ctx context.Context, name, identifier string) error {
	client, err := s.as(name)
	if err != nil {
		return err
	}
	id, ok := s.consents[relmgroas.LocalIdentifier(identifier)]
	if !ok {
		return errors.New("no consent was captured in this story")
	}
	_, err = client.consent.WithdrawConsent(ctx, &consentoas.ConsentWithdrawalRequest{
		Evidence: consentoas.ConsentWithdrawalRequestEvidenceSpokenAndNoted,
	}, consentoas.WithdrawConsentParams{Consent: id})
	return bearer.Told(err)
}

// agreementFor is the agreement under which a column publishes: the one for
// people without a home where the column is brought together with the shelter,
// since a decision under one agreement does not reach the parties of another.
func agreementFor(who riverside.Person, column ident.Column) string {
	for _, pair := range who.Correlates {
		if slices.Contains(pair[:], column) && slices.Contains(pair[:], "shelter") {
			return "riverside-homeless"
		}
	}
	if column == "shelter" {
		return "riverside-homeless"
	}
	return "riverside-children"
}
