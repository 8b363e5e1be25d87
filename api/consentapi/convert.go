package consentapi

import (
	"encoding"
	"encoding/hex"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// idOf reads an id of the path. The generated code has checked its form.
func idOf[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](id consentoas.ID) (T, error) {
	var read T
	if err := P(&read).UnmarshalText([]byte(id)); err != nil {
		return read, fault.New(fault.Malformed, "write the id as its receipt has it").Because(err)
	}
	return read, nil
}

// audienceOf reads the one member that openapi.yaml lets an Audience have.
func audienceOf(a consentoas.Audience) decide.Audience {
	switch {
	case a.Agencies != nil:
		return decide.Audience{Kind: decide.ToAgencies, Names: texts(a.Agencies)}
	case a.Columns != nil:
		return decide.Audience{Kind: decide.ToColumns, Names: texts(a.Columns)}
	case a.Peers != nil:
		return decide.Audience{Kind: decide.ToPeers, Names: texts(a.Peers)}
	default:
		return decide.Audience{Kind: decide.ToPartnership}
	}
}

func audienceTo(a decide.Audience) (out consentoas.Audience) {
	switch a.Kind {
	case decide.ToAgencies:
		out.Agencies = codes(a.Names)
	case decide.ToColumns:
		out.Columns = codes(a.Names)
	case decide.ToPeers:
		for _, hub := range a.Names {
			out.Peers = append(out.Peers, consentoas.Hub(hub))
		}
	case decide.ToPartnership:
		out.Partnership.SetTo(consentoas.AudiencePartnershipTrue)
	}
	return out
}

func consentOf(c consent.Consent) *consentoas.Consent {
	out := &consentoas.Consent{
		Consent:    consentoas.ID(c.ID.String()),
		Explicit:   c.Explicit,
		Audience:   audienceTo(c.Audience),
		Purposes:   codes(c.Purposes),
		Aspects:    codes(c.Aspects),
		From:       c.From,
		Until:      c.Until,
		Evidence:   string(c.Evidence),
		Wording:    consentoas.Code(c.Wording),
		CapturedBy: consentoas.Code(c.CapturedBy),
	}
	if !c.Withdrawn.IsZero() {
		out.Withdrawn.SetTo(c.Withdrawn)
	}
	if c.Understanding != "" {
		out.Understanding.SetTo(consentoas.Understanding(c.Understanding))
	}
	decidedBy(out, c)
	return out
}

func consentReceipt(id ident.ConsentID, r consent.Receipt) *consentoas.ConsentReceipt {
	return &consentoas.ConsentReceipt{
		Consent:    consentoas.ID(id.String()),
		Act:        consentoas.ID(r.Act.String()),
		Commitment: consentoas.Commitment(hex.EncodeToString(r.Commitment)),
	}
}

func exclusionReceipt(id ident.ExclusionID, r consent.Receipt) *consentoas.ExclusionReceipt {
	return &consentoas.ExclusionReceipt{
		Exclusion:  consentoas.ID(id.String()),
		Act:        consentoas.ID(r.Act.String()),
		Commitment: consentoas.Commitment(hex.EncodeToString(r.Commitment)),
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = string(c)
	}
	return out
}

func codes(list []string) []consentoas.Code {
	out := make([]consentoas.Code, len(list))
	for i, s := range list {
		out[i] = consentoas.Code(s)
	}
	return out
}

func blockReceipt(id ident.BlockID, r consent.Receipt) *consentoas.BlockReceipt {
	return &consentoas.BlockReceipt{
		Block: consentoas.ID(id.String()), Act: consentoas.ID(r.Act.String()),
		Commitment: consentoas.Commitment(hex.EncodeToString(r.Commitment)),
	}
}
