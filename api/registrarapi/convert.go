package registrarapi

import (
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
		Items: []registraroas.Item{},
	}
	for _, k := range p.Items {
		item, err := convert[registraroas.Item](struct {
			ID         string `json:"item"`
			Type       string `json:"type"`
			RecordedAt any    `json:"recorded_at"`
			registrar.Item
		}{k.ID.String(), registrar.TypeOf(k.Kind), k.RecordedAt, k.Item})
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}
