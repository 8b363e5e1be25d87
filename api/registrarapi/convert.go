package registrarapi

import (
	"encoding/hex"

	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/registrar"
)

func registerOf(r *registrar.Register) registraroas.Register {
	out := registraroas.Register{
		Register: registraroas.Code(r.ID), Registrar: registraroas.Code(r.Registrar), Agency: registraroas.Code(r.Agency),
		Title: registraroas.Words(r.Title), Contact: registraroas.Words(r.Contact), Scope: registraroas.Words(r.Scope),
		SelfRegistered: r.SelfRegistered, Serves: []registraroas.Code{}, Conforming: r.Conforming,
	}
	if r.Criterion != "" {
		out.Criterion.SetTo(registraroas.Words(r.Criterion))
	}
	if r.CoveredBy != "" {
		out.CoveredBy.SetTo(registraroas.Code(r.CoveredBy))
	}
	for _, a := range r.Serves {
		out.Serves = append(out.Serves, registraroas.Code(a))
	}
	if g := r.Governance; g != nil {
		out.Governance.SetTo(registraroas.RegisterGovernance{
			Overseer: registraroas.Words(g.Overseer), Inclusion: registraroas.Words(g.Inclusion), Appeal: registraroas.Words(g.Appeal), Review: g.Review,
		})
	}
	if l := r.Levels; l != nil {
		out.Levels.SetTo(registraroas.RegisterLevels{LatencyMs: l.LatencyMS, ErrorsPerMille: l.ErrorsPerMille, PerMinute: l.PerMinute})
	}
	return out
}

// subjectOf shows a person. An item is written by the duty's own names, which are
// openapi.yaml's, with what the registrar adds.
func subjectOf(p registrar.Subject) (*registraroas.Subject, error) {
	out := &registraroas.Subject{
		Subject: registraroas.SubjectReference(p.Entry), Register: registraroas.Code(p.Register), RegisteredAt: p.RegisteredAt,
		Items: []registraroas.Item{}, Confidence: registraroas.RecognitionConfidence(p.Confidence), SelfRegistered: p.SelfRegistered,
		Flagged: p.Flagged, Checks: []registraroas.ItemCheck{},
	}
	for _, c := range p.Checks {
		out.Checks = append(out.Checks, registraroas.ItemCheck{
			Check: registraroas.ID(c.ID.String()), Item: registraroas.ID(c.Item.String()), Against: registraroas.Code(c.Against), At: c.At,
			Outcome: registraroas.CheckOutcome(c.Outcome), Wrong: c.Wrong,
		})
	}
	if !p.NextReview.IsZero() {
		out.NextReview.SetTo(p.NextReview)
	}
	for _, k := range p.Items {
		item, err := convert[registraroas.Item](struct {
			ID         string `json:"item"`
			Type       string `json:"type"`
			RecordedAt any    `json:"recorded_at"`
			RecordedBy string `json:"recorded_by"`
			Act        string `json:"act"`
			registrar.Item
		}{k.ID.String(), registrar.TypeOf(k.Kind), k.RecordedAt, string(k.RecordedBy), k.Act.String(), k.Item})
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func askingOf(purpose, reason registraroas.Code, of registraroas.OptCaseReference) registrar.Asking {
	return registrar.Asking{Purpose: string(purpose), Reason: string(reason), Case: string(of.Or(""))}
}

func recognitionOf(r *registrar.Recognition) *registraroas.Recognition {
	out := &registraroas.Recognition{
		ID: registraroas.ID(r.ID.String()), Outcome: registraroas.RecognitionOutcome(r.Outcome), Confidence: registraroas.RecognitionConfidence(r.Confidence),
		Types: []registraroas.RecognitionTypesItem{}, Helps: []registraroas.RecognitionHelpsItem{}, SelfRegistered: r.SelfRegistered,
		Commitment: registraroas.Commitment(hex.EncodeToString(r.Commitment)),
	}
	for _, t := range r.Types {
		out.Types = append(out.Types, registraroas.RecognitionTypesItem(t))
	}
	for _, e := range r.Helps {
		out.Helps = append(out.Helps, registraroas.RecognitionHelpsItem(e))
	}
	if r.CoveredBy != "" {
		out.CoveredBy.SetTo(registraroas.Code(r.CoveredBy))
	}
	if r.Entry != "" {
		out.Subject.SetTo(registraroas.SubjectReference(r.Entry))
	}
	if r.Statement != "" {
		out.Recognition.SetTo(registraroas.RecognitionToken(r.Statement))
	}
	for _, at := range r.Elsewhere {
		out.Elsewhere = append(out.Elsewhere, registraroas.HubRecognition{Hub: registraroas.Hub(at.Hub), Recognition: registraroas.RecognitionToken(at.Statement)})
	}
	return out
}

func explanationOf(e *registrar.Explained) (*registraroas.RecognitionExplained, error) {
	out := &registraroas.RecognitionExplained{
		ID: registraroas.ID(e.ID.String()), At: e.At, Outcome: string(e.Outcome), Confidence: registraroas.RecognitionConfidence(e.Confidence),
		Model: e.Model, Purpose: registraroas.Code(e.Purpose), Reason: registraroas.Code(e.Reason),
		Candidates: []registraroas.RecognitionCompared{},
	}
	for _, c := range e.Candidates {
		out.Candidates = append(out.Candidates, comparedTo(&c))
	}
	evidence, err := convert[[]registraroas.Evidence](e.Evidence)
	if err != nil {
		return nil, err
	}
	out.Evidence = evidence
	return out, nil
}

func comparedTo(c *registrar.Compared) registraroas.RecognitionCompared {
	to := registraroas.RecognitionCompared{
		Bits: c.Bits, Probability: c.Probability, Contradicts: append([]string{}, c.Contradicts...),
		Fields: []registraroas.RecognitionComparedFieldsItem{},
	}
	if c.Kin != "" {
		to.Kin.SetTo(c.Kin)
	}
	for _, f := range c.Fields {
		to.Fields = append(to.Fields, registraroas.RecognitionComparedFieldsItem{Field: f.Field, Level: f.Level, Bits: f.Bits})
	}
	return to
}
