package relmgrapi

import (
	"context"
	"database/sql"
	"encoding/hex"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

func (h handlers) FindMyHandles(ctx context.Context, params oas.FindMyHandlesParams) (*oas.MyHandles, error) {
	m := relmgr.Mine{Statement: api.StatementOf(ctx), Sensitive: params.Sensitive.Or(false)}
	if c, ok := params.Cursor.Get(); ok {
		var err error
		if m.After, err = ident.ParseHandle(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	terms, err := h.terms(ctx)
	if err != nil {
		return nil, err
	}
	p, err := h.service.FindMine(ctx, terms, m)
	if err != nil {
		return nil, err
	}
	out := &oas.MyHandles{Proofs: oas.MyHandlesProofs{Relmgr: p.Relmgr, Consent: p.Consent, Idmgr: p.Idmgr}, Expires: p.Expires}
	if !p.Next.IsZero() {
		out.Next = oas.NewOptCursor(oas.Cursor(p.Next.String()))
	}
	return out, nil
}

// subject is who asks as themself: the edge has put them there before any handler runs.
func subject(ctx context.Context) decide.Subject {
	who, _ := api.SubjectOf(ctx)
	return who
}

func (h handlers) ListMyRelationships(ctx context.Context) (*oas.MyRelationships, error) {
	rows, err := h.service.ListMyRelationships(ctx, subject(ctx))
	if err != nil {
		return nil, err
	}
	out := &oas.MyRelationships{Relationships: make([]oas.MyRelationship, len(rows))}
	for i, r := range rows {
		v := oas.MyRelationship{
			Handle: oas.ID(r.HandleID.String()), Column: oas.Code(r.ColumnID), Title: r.Provider.Title, Agency: oas.Code(r.Agency), AgencyName: r.AgencyName,
			Published: r.Published, Purposes: codes(r.Purposes), Aspects: codes(r.Aspects), Offers: make([]oas.OfferKind, len(r.Offers)),
		}
		for j, o := range r.Offers {
			v.Offers[j] = oas.OfferKind(o)
		}
		if r.Published {
			v.Act, v.Role, v.At = oas.NewOptID(oas.ID(r.ActID.String())), oas.NewOptString(decide.TitleOf(subject(ctx).Terms.Codes.Roles, r.Role)), optTime(r.At)
			v.Since, v.Mode, v.Ground = optTime(r.Since), oas.NewOptMode(oas.Mode(r.Mode)), oas.NewOptGround(oas.Ground(r.Ground))
			v.Agreement, v.Power, v.Audience = optCode(r.Agreement), optCode(r.Power), oas.NewOptAudience(audienceTo(r.AudienceKind, r.Audience))
			v.Until, v.Review = optTime(r.Until), optTime(r.ReviewAt)
		}
		out.Relationships[i] = v
	}
	return out, nil
}

func optTime(t sql.NullTime) oas.OptDateTime {
	if !t.Valid {
		return oas.OptDateTime{}
	}
	return oas.NewOptDateTime(t.Time.UTC())
}

// audienceTo is an audience as it stands in the database.
func audienceTo(kind string, names []string) (out oas.Audience) {
	switch decide.AudienceKind(kind) {
	case decide.ToAgencies:
		out.Agencies = codes(names)
	case decide.ToColumns:
		out.Columns = codes(names)
	case decide.ToPeers:
		for _, hub := range names {
			out.Peers = append(out.Peers, oas.Hub(hub))
		}
	default:
		out.Partnership.SetTo(oas.AudiencePartnershipTrue)
	}
	return out
}

func look(sensitive oas.OptBool, limit oas.OptInt) relmgr.Look {
	return relmgr.Look{Sensitive: sensitive.Or(false), Limit: limit.Or(50)}
}

// after reads a cursor, zero for none.
func after[K any](c oas.OptCursor, parse func(string) (ident.ID[K], error)) (ident.ID[K], error) {
	if !c.Set {
		return ident.ID[K]{}, nil
	}
	id, err := parse(string(c.Value))
	if err != nil || id.IsZero() {
		return id, malformed("/cursor")
	}
	return id, nil
}

func next[K any](id ident.ID[K]) oas.OptCursor {
	if id.IsZero() {
		return oas.OptCursor{}
	}
	return oas.NewOptCursor(oas.Cursor(id.String()))
}

func (h handlers) ListMyEnquiries(ctx context.Context, params oas.ListMyEnquiriesParams) (*oas.MyEnquiryPage, error) {
	from, err := after(params.Cursor, ident.ParseEnquiry)
	if err != nil {
		return nil, err
	}
	who := subject(ctx)
	rows, more, err := h.service.ListMyEnquiries(ctx, who, look(params.Sensitive, params.Limit), from)
	if err != nil {
		return nil, err
	}
	out := &oas.MyEnquiryPage{Enquiries: make([]oas.MyEnquiry, len(rows)), Next: next(more)}
	for i, e := range rows {
		v := oas.MyEnquiry{
			Enquiry: oas.ID(e.EnquiryID.String()), At: e.At.UTC(), Agency: oas.Code(e.AgencyID), AgencyName: who.Terms.AgencyName(e.AgencyID),
			Practitioner: oas.Code(e.PractitionerID), Role: decide.TitleOf(who.Terms.Codes.Roles, e.Role), Column: optCode(e.ColumnID), Purpose: oas.Code(e.Purpose),
			Reason: oas.Code(e.Reason), Concerning: e.Concerning, Transaction: optCode(e.Transaction), Emergency: e.Emergency, ToldOf: codes(e.ToldOf),
			Commitment: oas.Commitment(hex.EncodeToString(e.Commitment)),
		}
		if e.Peer != "" {
			v.Hub = oas.NewOptHub(oas.Hub(e.Peer))
		}
		if e.Reads != "" {
			v.Reads = oas.NewOptString(e.Reads)
		}
		out.Enquiries[i] = v
	}
	return out, nil
}

func (h handlers) ListMyActs(ctx context.Context, params oas.ListMyActsParams) (*oas.MyActPage, error) {
	from, err := after(params.Cursor, ident.ParseAct)
	if err != nil {
		return nil, err
	}
	who := subject(ctx)
	rows, more, err := h.service.ListMyActs(ctx, who, look(params.Sensitive, params.Limit), from)
	if err != nil {
		return nil, err
	}
	out := &oas.MyActPage{Acts: make([]oas.MyAct, len(rows)), Next: next(more)}
	for i, a := range rows {
		v := oas.MyAct{
			Act: oas.ID(a.ActID.String()), Kind: oas.Code(a.Kind), At: a.At.UTC(), Agency: oas.Code(a.AgencyID), AgencyName: who.Terms.AgencyName(a.AgencyID),
			Practitioner: oas.Code(a.PractitionerID), Role: decide.TitleOf(who.Terms.Codes.Roles, a.Role), Reason: optCode(a.Reason), Agreement: optCode(a.Agreement),
			Columns: codes(a.Columns), Undoes: make([]oas.ID, len(a.Undoes)), Commitment: oas.Commitment(hex.EncodeToString(a.Commitment)),
		}
		for j, u := range a.Undoes {
			v.Undoes[j] = oas.ID(u)
		}
		if a.Mode != "" {
			v.Mode = oas.NewOptMode(oas.Mode(a.Mode))
		}
		if a.Ground != "" {
			v.Ground = oas.NewOptGround(oas.Ground(a.Ground))
		}
		if a.Evidence != "" {
			v.Evidence = oas.NewOptSubjectEvidence(oas.SubjectEvidence(a.Evidence))
		}
		out.Acts[i] = v
	}
	return out, nil
}

func (h handlers) ListMyDecisions(ctx context.Context, params oas.ListMyDecisionsParams) (*oas.MyDecisionPage, error) {
	from, err := after(params.Cursor, ident.ParseDecision)
	if err != nil {
		return nil, err
	}
	who := subject(ctx)
	rows, more, err := h.service.ListMyDecisions(ctx, who, look(params.Sensitive, params.Limit), from)
	if err != nil {
		return nil, err
	}
	out := &oas.MyDecisionPage{Decisions: make([]oas.MyDecision, len(rows)), Next: next(more)}
	for i, d := range rows {
		v := oas.MyDecision{
			Decision: oas.ID(d.DecisionID.String()), Act: oas.ID(d.ActID.String()), At: d.At.UTC(), Agency: oas.Code(d.AgencyID), AgencyName: who.Terms.AgencyName(d.AgencyID),
			Practitioner: oas.Code(d.PractitionerID), Column: oas.Code(d.ColumnID), Permitted: d.Outcome == "permitted", Agreement: d.Agreement, Power: d.Power,
			Ground: d.Ground, Purposes: d.Purposes, Aspects: d.Aspects, Audience: audienceTo(d.AudienceKind, d.Audience), Until: d.Until.UTC(), Review: d.ReviewAt.UTC(),
			TermsVersion: d.TermsVersion, Profile: oas.Code(d.Profile),
		}
		for j, s := range d.Steps {
			step := oas.Step{Step: s.Number, Question: d.Questions[j], Answer: oas.StepAnswer(s.Answer)}
			if s.Because != "" {
				step.Because = oas.NewOptString(s.Because)
			}
			v.Steps = append(v.Steps, step)
		}
		out.Decisions[i] = v
	}
	return out, nil
}

func (h handlers) ConfirmAsMyself(ctx context.Context, req *oas.MyConfirmationRequest) (*oas.MyReceipt, error) {
	act, err := ident.ParseAct(string(req.Act))
	if err != nil {
		return nil, malformed("/act")
	}
	r, err := h.service.ConfirmAsMyself(ctx, subject(ctx), act)
	if err != nil {
		return nil, err
	}
	return &oas.MyReceipt{Act: oas.ID(r.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(r.Commitment))}, nil
}

func (h handlers) ObjectAsMyself(ctx context.Context, req *oas.MyObjectionRequest) (*oas.MyReceipt, error) {
	act, err := ident.ParseAct(string(req.Act))
	if err != nil {
		return nil, malformed("/act")
	}
	r, err := h.service.ObjectAsMyself(ctx, subject(ctx), act, string(req.Reason))
	if err != nil {
		return nil, err
	}
	return &oas.MyReceipt{Act: oas.ID(r.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(r.Commitment))}, nil
}

func (h handlers) Complain(ctx context.Context, req *oas.ComplaintRequest) (*oas.ComplaintReceipt, error) {
	handle, err := ident.ParseHandle(string(req.Handle))
	if err != nil {
		return nil, malformed("/handle")
	}
	var act ident.ActID
	if a, ok := req.Act.Get(); ok {
		if act, err = ident.ParseAct(string(a)); err != nil {
			return nil, malformed("/act")
		}
	}
	c, err := h.service.Complain(ctx, subject(ctx), handle, act, string(req.Topic))
	if err != nil {
		return nil, err
	}
	return &oas.ComplaintReceipt{Complaint: oas.ID(c.ID.String()), AcknowledgeBy: c.AcknowledgeBy, Commitment: oas.Commitment(hex.EncodeToString(c.Commitment))}, nil
}

func (h handlers) ListMyComplaints(ctx context.Context) (*oas.MyComplaints, error) {
	who := subject(ctx)
	rows, err := h.service.ListMyComplaints(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &oas.MyComplaints{Complaints: make([]oas.MyComplaint, len(rows))}
	for i, c := range rows {
		v := oas.MyComplaint{
			Complaint: oas.ID(c.ComplaintID.String()), Agency: oas.Code(c.AgencyID), AgencyName: who.Terms.AgencyName(c.AgencyID), Column: oas.Code(c.ColumnID), Topic: c.Topic,
			At: c.At.UTC(), AcknowledgeBy: c.AcknowledgeBy.UTC(), Acknowledged: optTime(c.AcknowledgedAt), Answered: optTime(c.AnsweredAt), Reason: optCode(c.Reason),
		}
		if !c.About.IsZero() {
			v.Act = oas.NewOptID(oas.ID(c.About.String()))
		}
		if c.Outcome != "" {
			v.Outcome = oas.NewOptComplaintOutcome(oas.ComplaintOutcome(c.Outcome))
		}
		out.Complaints[i] = v
	}
	return out, nil
}

func (h handlers) ListComplaints(ctx context.Context, params oas.ListComplaintsParams) (*oas.ComplaintPage, error) {
	from, err := after(params.Cursor, ident.ParseComplaint)
	if err != nil {
		return nil, err
	}
	rows, more, err := h.service.ListComplaints(ctx, caller(ctx), from, params.Limit.Or(50))
	if err != nil {
		return nil, err
	}
	out := &oas.ComplaintPage{Complaints: make([]oas.OpenComplaint, len(rows)), Next: next(more)}
	for i, c := range rows {
		out.Complaints[i] = oas.OpenComplaint{
			Complaint: oas.ID(c.ComplaintID.String()), Agency: oas.Code(c.AgencyID), Topic: c.Topic, At: c.At.UTC(), AcknowledgeBy: c.AcknowledgeBy.UTC(),
			Acknowledged: optTime(c.AcknowledgedAt), Overdue: c.Overdue,
		}
	}
	return out, nil
}

func (h handlers) AcknowledgeComplaint(ctx context.Context, req *oas.ComplaintStepRequest, params oas.AcknowledgeComplaintParams) (*oas.ActReceipt, error) {
	id, err := ident.ParseComplaint(string(params.Complaint))
	if err != nil {
		return nil, malformed("/complaint")
	}
	r, err := h.service.AcknowledgeComplaint(ctx, caller(ctx), id, string(req.Reason))
	return receipt(r, err)
}

func (h handlers) AnswerComplaint(ctx context.Context, req *oas.ComplaintAnswerRequest, params oas.AnswerComplaintParams) (*oas.ActReceipt, error) {
	id, err := ident.ParseComplaint(string(params.Complaint))
	if err != nil {
		return nil, malformed("/complaint")
	}
	r, err := h.service.AnswerComplaint(ctx, caller(ctx), id, string(req.Outcome), string(req.Reason))
	return receipt(r, err)
}
