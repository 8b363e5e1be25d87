package relmgrapi

import (
	"encoding/hex"
	"fmt"
	"time"

	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// The two meanings of an answer. The second is worded so that nobody takes it
// for "no" (design.md section 6).
const (
	meansYes     = "these work with the person and may be told to you; others may too"
	meansNothing = "we have nothing we can tell you; others may know this person"
)

func own(column oas.Code, identifier oas.LocalIdentifier) relmgr.Own {
	return relmgr.Own{Column: ident.Column(column), Identifier: relmgr.Identifier(identifier)}
}

func proposal(d oas.Decision) (relmgr.Proposal, error) {
	p := relmgr.Proposal{
		Agreement: string(d.Agreement), Power: string(d.Power), Purposes: plain(d.Purposes), Aspects: plain(d.Aspects),
		Audience: audience(d.Audience), Necessary: d.Proportionality.Necessary, Safeguards: d.Proportionality.Safeguards,
		Aim: string(d.Proportionality.Aim), Ground: decide.Ground(d.Ground), Reason: string(d.Reason.Or("")),
		Conditions: decide.Conditions{Ordinary: string(d.Conditions.Ordinary), Sensitive: string(d.Conditions.Sensitive.Or(""))},
		Until:      d.Until, Review: d.Proportionality.Review.Or(time.Time{}), Concerning: decide.Concerning(d.Concerning.Or("")),
		Welfare: d.Welfare.Or(false), Detriment: decide.Detriment(d.Detriment.Or("")),
	}
	if o, ok := d.Order.Get(); ok {
		p.Order, p.OrderReference = string(o.Kind), o.Reference
	}
	if o, ok := d.Override.Get(); ok {
		p.Override = &decide.Override{Risk: string(o.Risk.Or("")), Telling: decide.Telling(o.Telling.Or(""))}
	}
	var err error
	if p.Consents, err = consents(d.Consents); err != nil {
		return p, malformed("/decision/consents")
	}
	return p, nil
}

func audience(a oas.Audience) decide.Audience {
	switch {
	case len(a.Agencies) > 0:
		return decide.Audience{Kind: decide.ToAgencies, Names: plain(a.Agencies)}
	case len(a.Columns) > 0:
		return decide.Audience{Kind: decide.ToColumns, Names: plain(a.Columns)}
	case len(a.Peers) > 0:
		return decide.Audience{Kind: decide.ToPeers, Names: plain(a.Peers)}
	default:
		return decide.Audience{Kind: decide.ToPartnership, Names: []string{}}
	}
}

func offers(in []oas.OfferRequest) []relmgr.Offer {
	out := make([]relmgr.Offer, len(in))
	for i, o := range in {
		out[i] = relmgr.Offer{Kind: relmgr.OfferKind(o.Kind), Transactions: plain(o.Transactions), Contact: string(o.Contact)}
	}
	return out
}

func part(req *oas.ImportPartRequest) (relmgr.Part, error) {
	p := relmgr.Part{First: req.First, Last: req.Last, Lines: make([]relmgr.Line, len(req.Relationships))}
	for i, r := range req.Relationships {
		l := relmgr.Line{Line: r.Line, Own: own(r.Column, r.Identifier), Role: string(r.Role), Offers: offers(r.Offers)}
		var err error
		if l.Consents, err = consents(r.Consents); err != nil {
			return p, malformed(fmt.Sprintf("/relationships/%d/consents", i))
		}
		p.Lines[i] = l
	}
	for i, r := range req.Correlations {
		l := relmgr.PairedLine{Line: r.Line, Own: own(r.Column, r.Identifier), Code: string(r.Pairing.Or("")), Statement: string(r.Statement.Or(""))}
		var err error
		if l.Consents, err = consents(r.Consents); err != nil {
			return p, malformed(fmt.Sprintf("/correlations/%d/consents", i))
		}
		p.Paired = append(p.Paired, l)
	}
	return p, nil
}

func consents(in []oas.ID) (out []ident.ConsentID, err error) {
	for _, c := range in {
		id, err := ident.ParseConsent(string(c))
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

func imported(lines []relmgr.Imported) *oas.ImportedPart {
	out := &oas.ImportedPart{Lines: make([]oas.ImportedLine, len(lines))}
	for i, l := range lines {
		shown := oas.ImportedLine{Line: l.Line}
		if l.Refused != "" {
			pointer, detail := l.Refused.Explain()
			shown.Refused = oas.NewOptLineRefusal(oas.LineRefusal{Pointer: pointer, Detail: detail})
		} else {
			shown.Act = oas.NewOptID(oas.ID(l.Act.String()))
			shown.Commitment = oas.NewOptCommitment(oas.Commitment(hex.EncodeToString(l.Commitment)))
		}
		out.Lines[i] = shown
	}
	return out
}

func reference(id oas.ID) (ident.ReferenceID, error) {
	ref, err := ident.ParseReference(string(id))
	if err != nil {
		return ref, malformed("/act")
	}
	return ref, nil
}

func references(ids []oas.ID) ([]ident.ReferenceID, error) {
	refs := make([]ident.ReferenceID, len(ids))
	for i, id := range ids {
		ref, err := reference(id)
		if err != nil {
			return nil, err
		}
		refs[i] = ref
	}
	return refs, nil
}

// malformed is for what the pattern of openapi.yaml lets through and the parser
// does not.
func malformed(pointer string) error {
	f := fault.At(pointer, "write an id as this service gave it")
	f.Kind = fault.Malformed
	return f
}

func receipt(r relmgr.Receipt, err error) (*oas.ActReceipt, error) {
	if err != nil {
		return nil, err
	}
	return &oas.ActReceipt{Act: oas.ID(r.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(r.Commitment))}, nil
}

func receipts(list []relmgr.Receipt, err error) (*oas.ActReceipts, error) {
	if err != nil {
		return nil, err
	}
	out := &oas.ActReceipts{Acts: make([]oas.ActReceipt, len(list))}
	for i, r := range list {
		one, _ := receipt(r, nil)
		out.Acts[i] = *one
	}
	return out, nil
}

// notTold is why the subject is not to be told, nil where they are.
func notTold(n oas.OptNotTold) *relmgr.Telling {
	if !n.Set {
		return nil
	}
	return &relmgr.Telling{Risk: relmgr.Risk(n.Value.Risk), ReviewBy: n.Value.ReviewBy}
}

// since is a time that may have been left out.
func since(t oas.OptSince) *time.Time {
	if !t.Set {
		return nil
	}
	at := time.Time(t.Value)
	return &at
}

func why(purpose, reason oas.Code) relmgr.Why {
	return relmgr.Why{Purpose: string(purpose), Reason: string(reason)}
}

func declared(d relmgr.Declared, err error) (*oas.DeclarationReceipt, error) {
	if err != nil {
		return nil, err
	}
	return &oas.DeclarationReceipt{Declaration: oas.ID(d.Declaration.String()), Commitment: oas.Commitment(hex.EncodeToString(d.Commitment))}, nil
}

func review(r relmgr.Review) oas.Review {
	out := oas.Review{
		Review: oas.ID(r.ID.String()), Cause: oas.ReviewCause(r.Cause), Enquiry: oas.ID(r.Enquiry.String()), At: r.At, Due: r.Due,
		Overdue: r.Overdue, Practitioner: oas.Code(r.Practitioner), Role: oas.Code(r.Role), Column: optCode(string(r.Column)),
		Purpose: oas.Code(r.Purpose), Reason: oas.Code(r.Reason), Concerning: r.Concerning, Told: r.Told,
	}
	if r.Hub != "" {
		out.Hub = oas.NewOptHub(oas.Hub(r.Hub))
	}
	if r.Interest != "" {
		out.Interest, out.Declaration = oas.NewOptInterest(oas.Interest(r.Interest)), oas.NewOptID(oas.ID(r.Declaration.String()))
	}
	if r.Reads != "" {
		out.Reads = oas.NewOptReviewReads(oas.ReviewReads(r.Reads))
	}
	if r.Case != "" {
		out.Case = oas.NewOptString(string(r.Case))
	}
	return out
}

func answer(a relmgr.Answer) *oas.Answer {
	out := &oas.Answer{
		ID: oas.ID(a.ID.String()), Known: oas.AnswerKnownNothingToTell, Meaning: meansNothing, Published: a.Published,
		Complete: len(a.Orders) == 0, Providers: providers(a.Providers), Recourse: a.Recourse,
		Commitment: oas.Commitment(hex.EncodeToString(a.Commitment)),
	}
	for _, o := range a.Orders {
		out.Orders = append(out.Orders, oas.AxleOrder{Hub: oas.Hub(o.Hub), Order: oas.AxleToken(o.Order)})
	}
	if !a.Escalated.IsZero() {
		out.Escalated = oas.NewOptID(oas.ID(a.Escalated.String()))
	}
	if len(a.Providers) > 0 {
		out.Known, out.Meaning = oas.AnswerKnownYes, meansYes
	}
	return out
}

func providers(list []relmgr.Provider) []oas.AnsweredProvider {
	out := make([]oas.AnsweredProvider, len(list))
	for i, p := range list {
		shown := oas.AnsweredProvider{
			Provider: oas.Code(p.ID), Title: p.Title, Kind: oas.AnsweredProviderKind(p.Kind), Role: p.Role,
			Agency: oas.Code(p.Agency), AgencyName: p.AgencyName, Offers: make([]oas.Offer, len(p.Offers)),
		}
		for j, o := range p.Offers {
			shown.Offers[j] = oas.Offer{
				Kind: oas.OfferKind(o.Kind), Transactions: codes(o.Transactions),
				Contact: contact(o.Contact),
			}
		}
		out[i] = shown
	}
	return out
}

func contact(r decide.ContactRoute) oas.Contact {
	return oas.Contact{Kind: oas.ContactKind(r.Kind), Value: r.Value, Hours: r.Hours, Confirmed: r.Confirmed}
}

func delivered(r relmgr.Delivered) oas.DeliveredRequest {
	return oas.DeliveredRequest{
		Delivery: oas.ID(r.Delivery.String()), Handle: oas.ID(r.Handle.String()), Identifier: string(r.Identifier),
		Provider: oas.Code(r.Asker.ID), Title: r.Asker.Title, Kind: oas.DeliveredRequestKind(r.Asker.Kind),
		Agency: oas.Code(r.Asker.Agency), AgencyName: r.Asker.AgencyName, Contact: contact(r.Asker.Contact),
		Purpose: oas.Code(r.Purpose), Concerning: oas.DeliveredRequestConcerning(r.Concerning), Transaction: optCode(r.Transaction),
		At: r.At, Due: r.Due, Escalated: r.Escalated, Replied: r.Replied,
	}
}

func contactReply(r relmgr.Replied) oas.ContactReply {
	return oas.ContactReply{
		Reply: oas.ContactReplyReply(r.Reply), Provider: oas.Code(r.ID), Title: r.Title, Kind: oas.ContactReplyKind(r.Kind),
		Agency: oas.Code(r.Agency), AgencyName: r.AgencyName, Contact: contact(r.Contact),
	}
}

func act(a relmgr.Shown) oas.Act {
	out := oas.Act{
		Act: oas.ID(a.Act.String()), Kind: oas.ActKind(a.Kind), At: a.At, Own: a.Own, Agency: oas.Code(a.Agency),
		Practitioner: optCode(string(a.Practitioner)), Role: optCode(a.Role), Reason: optCode(a.Reason),
		Agreement: optCode(a.Agreement), Aspects: codes(a.Aspects), Withdrawn: oas.NewOptBool(a.Withdrawn),
	}
	if a.Mode != "" {
		out.Mode = oas.NewOptMode(oas.Mode(a.Mode))
	}
	if a.Ground != "" {
		out.Ground = oas.NewOptGround(oas.Ground(a.Ground))
	}
	if a.Effect != "" {
		out.Effect = oas.NewOptActEffect(oas.ActEffect(a.Effect))
	}
	if a.Evidence != "" {
		out.Evidence = oas.NewOptSubjectEvidence(oas.SubjectEvidence(a.Evidence))
	}
	if a.Since != nil {
		out.Since = oas.NewOptSince(oas.Since(*a.Since))
	}
	if len(a.Commitment) > 0 {
		out.Commitment = oas.NewOptCommitment(oas.Commitment(hex.EncodeToString(a.Commitment)))
	}
	if !a.Approval.IsZero() {
		out.Approval, out.ApprovedBy = oas.NewOptID(oas.ID(a.Approval.String())), optCode(string(a.ApprovedBy))
	}
	if a.Registrar != "" {
		out.Statement = oas.NewOptStatedEvidence(oas.StatedEvidence{Registrar: oas.Code(a.Registrar), Level: oas.Confidence(a.Level), Types: codes(a.Types)})
	}
	for _, u := range a.Undoes {
		out.Undoes = append(out.Undoes, oas.ID(u.String()))
	}
	if a.Decision != nil {
		out.Decision = oas.NewOptRecordedDecision(recorded(*a.Decision))
	}
	return out
}

func recorded(d relmgr.ShownDecision) oas.RecordedDecision {
	out := oas.RecordedDecision{
		Agreement: optCode(d.Agreement), Power: optCode(d.Power), Ground: oas.NewOptGround(oas.Ground(d.Ground)),
		Purposes: codes(d.Purposes), Until: oas.NewOptDateTime(d.Until), TermsVersion: d.TermsVersion, Profile: oas.Code(d.Profile),
		Aim: optCode(d.Aim), Review: oas.NewOptDateTime(d.Review), Order: optCode(d.Order),
	}
	out.Conditions = optConditions(d.Conditions)
	if d.Detriment != "" {
		out.Detriment = oas.NewOptDetriment(oas.Detriment(d.Detriment))
	}
	if o := d.Override; o != nil {
		out.Override = override(o.Risk, o.Telling)
	}
	for i, s := range d.Steps {
		step := oas.Step{Step: s.Number, Question: d.Questions[i], Answer: oas.StepAnswer(s.Answer)}
		if s.Because != "" {
			step.Because = oas.NewOptString(s.Because)
		}
		out.Steps = append(out.Steps, step)
	}
	for _, c := range d.Consents {
		out.Consents = append(out.Consents, oas.ID(c.String()))
	}
	return out
}

func relied(d relmgr.Relied) oas.ReliedDecision {
	out := oas.ReliedDecision{
		Act: oas.ID(d.Act.String()), Kind: string(d.Kind), At: d.At, Practitioner: oas.Code(d.Practitioner), Role: oas.Code(d.Role),
		Column: oas.Code(d.Column), Mode: oas.Mode(d.Mode), Agreement: oas.Code(d.Agreement), Power: oas.Code(d.Power),
		Ground: oas.Ground(d.Ground), Purposes: codes(d.Purposes), Conditions: optConditions(d.Conditions), Until: d.Until,
		Review: d.Review, TermsVersion: d.TermsVersion, Profile: oas.Code(d.Profile), Stands: d.Because == "",
	}
	if d.Because != "" {
		out.Because = oas.NewOptString(d.Because)
	}
	if d.Risk != "" {
		out.Override = override(d.Risk, d.Telling)
	}
	return out
}

// optConditions is none for a decision from before conditions were kept.
func optConditions(c decide.Conditions) oas.OptConditions {
	if c.Ordinary == "" {
		return oas.OptConditions{}
	}
	return oas.NewOptConditions(oas.Conditions{Ordinary: oas.Code(c.Ordinary), Sensitive: optCode(c.Sensitive)})
}

func override(risk string, telling decide.Telling) oas.OptOverride {
	return oas.NewOptOverride(oas.Override{Risk: optCode(risk), Telling: oas.NewOptOverrideTelling(oas.OverrideTelling(telling))})
}

func optCode(s string) oas.OptCode {
	if s == "" {
		return oas.OptCode{}
	}
	return oas.NewOptCode(oas.Code(s))
}

func plain[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, c := range in {
		out[i] = string(c)
	}
	return out
}

func codes(in []string) []oas.Code {
	out := make([]oas.Code, len(in))
	for i, c := range in {
		out[i] = oas.Code(c)
	}
	return out
}
