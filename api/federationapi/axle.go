package federationapi

import (
	"context"

	oas "github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/internal/fault"
)

// AskPeers is federation.Axles.Ask.
func (h handlers) AskPeers(ctx context.Context, req *oas.PeerQuestions) (*oas.PeersSay, error) {
	if h.axles == nil {
		return nil, noAxles()
	}
	says, err := h.axles.Ask(ctx, caller(ctx), plain(req.Orders), string(req.Area.Or("")))
	if err != nil {
		return nil, err
	}
	out := &oas.PeersSay{Complete: true, Hubs: make([]oas.PeerSays, len(says))}
	for i, s := range says {
		out.Complete = out.Complete && s.Answered
		v := oas.PeerSays{Hub: oas.Hub(s.Hub), Answered: s.Answered, Providers: []oas.PeerProvider{}}
		if s.Answered {
			v.Outcome = oas.NewOptString(s.Answer.Outcome)
			if s.Answer.Because != "" {
				v.Because = oas.NewOptString(s.Answer.Because)
			}
			if s.Answer.Commitment != "" {
				v.Commitment = oas.NewOptCommitment(oas.Commitment(s.Answer.Commitment))
			}
		}
		for _, p := range s.Answer.Providers {
			v.Providers = append(v.Providers, oas.PeerProvider{AgencyName: p.AgencyName, Contact: oas.Contact{
				Kind: oas.ContactKind(p.Contact.Kind), Value: p.Contact.Value, Hours: p.Contact.Hours, Confirmed: p.Contact.Confirmed,
			}})
		}
		out.Hubs[i] = v
	}
	return out, nil
}

// ReceiveMessage is federation.Axles.Receive, or Relay of what is to be passed on.
func (h handlers) ReceiveMessage(ctx context.Context, req *oas.SealedMessage) (*oas.SealedMessage, error) {
	if h.axles == nil {
		return nil, noAxles()
	}
	carried, relays := req.Carried.Get()
	if !relays {
		answer, err := h.axles.Receive(ctx, string(req.Message))
		if err != nil {
			return nil, err
		}
		return &oas.SealedMessage{Message: oas.Envelope(answer)}, nil
	}
	answer, back, err := h.axles.Relay(ctx, string(req.Message), string(carried))
	if err != nil {
		return nil, err
	}
	out := &oas.SealedMessage{Message: oas.Envelope(answer)}
	if back != "" {
		out.Carried = oas.NewOptEnvelope(oas.Envelope(back))
	}
	return out, nil
}

func noAxles() error {
	return fault.New(fault.Unavailable, "this hub's federation duty is not told where relmgr is: ask its operator to set relmgr and handle_keys")
}

// ListEscalations is federation.Service.Escalations.
func (h handlers) ListEscalations(ctx context.Context, params oas.ListEscalationsParams) (*oas.Escalations, error) {
	list, err := h.service.Escalations(ctx, caller(ctx), params.Limit.Or(50))
	if err != nil {
		return nil, err
	}
	out := &oas.Escalations{Escalations: make([]oas.Escalation, len(list))}
	for i, e := range list {
		out.Escalations[i] = oas.Escalation{
			Case: e.CaseID, At: e.At.UTC(), Brought: oas.Hub(e.Hub), Origin: oas.Hub(e.Origin), Sender: oas.Hub(e.Sender), Kind: e.Kind, Version: int(e.Version),
			Hops: int(e.Hops), Due: e.DueAt.UTC(),
		}
	}
	return out, nil
}
