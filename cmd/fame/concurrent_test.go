package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/fame-hub/fame/api/bearer"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/ident"
)

// atOnce sends the same requests at one moment and returns the answers' statuses,
// in order of size.
func (w *town) atOnce(t *testing.T, requests ...func(context.Context) (answer, error)) []int {
	t.Helper()
	statuses, errs := make([]int, len(requests)), make([]error, len(requests))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, r := range requests {
		all.Go(func() {
			<-start
			var a answer
			a, errs[i] = r(t.Context())
			statuses[i] = a.status
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(statuses)
	return statuses
}

func (w *town) posting(t *testing.T, who, path string, body any) func(context.Context) (answer, error) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) (answer, error) {
		return w.trySend(ctx, who, http.MethodPost, w.Relmgr.URL+path, text)
	}
}

// imposed is somebody about whom agencies decide without consent.
func imposed(identifiers map[ident.Column]string) riverside.Person {
	return riverside.Person{Imposed: "significant-harm", Reason: "risk-of-harm", Identifiers: identifiers}
}

// proposal is a decision that rests on no consent, as it goes over the wire.
func (w *town) proposal(t *testing.T, column ident.Column) *relmgroas.Decision {
	t.Helper()
	d, _, err := w.storyteller().decide(t.Context(), nil, imposed(nil), column, "riverside-children")
	if err != nil {
		t.Fatal(err)
	}
	return &d
}

// IDX-08, design.md section 5 (2): of two who publish one identifier at once,
// one does and the other is told so.
func TestOfTwoWhoPublishOneIdentifierAtOnceOneDoes(t *testing.T) {
	w := everyday(t)
	for round := range 8 {
		body := map[string]any{
			"column": "gp-riverside", "identifier": fmt.Sprintf("GP-6050%d", round), "role": "gp", "mode": "imposed", "reason": "working-with-person",
			"offers": []any{map[string]any{"kind": "wants-to-be-informed", "contact": "desk"}}, "decision": w.proposal(t, "gp-riverside"),
		}
		publish := w.posting(t, "dr-brandt", "/relmgr/v1/relationships", body)
		if got := w.atOnce(t, publish, publish); !slices.Equal(got, []int{http.StatusCreated, http.StatusConflict}) {
			t.Errorf("round %d: %v", round, got)
		}
	}
}

// IDX-05: a pairing code is used once, also by two at the same moment.
func TestOfTwoWhoUseOneCodeAtOnceOneDoes(t *testing.T) {
	w := everyday(t)
	reader := w.signedIn(t, "ms-novak")
	for round := range 8 {
		p, err := reader.relmgr.OpenPairing(t.Context(), &relmgroas.PairingRequest{
			Column: "social-care", Identifier: relmgroas.LocalIdentifier(fmt.Sprintf("LMN-6051%d", round)), Decision: *w.proposal(t, "social-care"),
		})
		if err != nil {
			t.Fatal(bearer.Told(err))
		}
		correlate := func(who string, column ident.Column, identifier string) func(context.Context) (answer, error) {
			return w.posting(t, who, "/relmgr/v1/correlations", map[string]any{
				"column": column, "identifier": identifier, "pairing": p.Code, "mode": "imposed", "reason": "same-person-found", "decision": w.proposal(t, column),
			})
		}
		got := w.atOnce(t, correlate("dr-brandt", "gp-riverside", fmt.Sprintf("GP-6051%d", round)), correlate("mrs-hale", "school-pastoral", fmt.Sprintf("S06051%d", round)))
		if !slices.Equal(got, []int{http.StatusAccepted, http.StatusConflict}) {
			t.Errorf("round %d: %v", round, got)
		}
	}
	wantWhole(t, w.Admin(t))
}

// IDX-01, QRY-03, design.md section 5 (3): nine handles are brought together by
// eight correlations at one moment, each of which joins two rows that others
// are joining too. They end on one row, and whoever asks is told of all eight
// others.
func TestEightCorrelationsAtOnceMakeOneRow(t *testing.T) {
	w := everyday(t)
	for round := range 3 {
		// A chain: social care, then the surgery and the school in turn.
		type end struct {
			column     ident.Column
			identifier string
		}
		chain := []end{{"social-care", fmt.Sprintf("LMN-6060%d", round)}}
		for n := range 4 {
			chain = append(chain, end{"gp-riverside", fmt.Sprintf("GP-606%d%d", round, n)}, end{"school-pastoral", fmt.Sprintf("S0606%d%d", round, n)})
		}
		s := w.storyteller()
		for _, e := range chain {
			if _, err := s.publish(t.Context(), imposed(map[ident.Column]string{e.column: e.identifier}), offering[e.column]); err != nil {
				t.Fatal(err)
			}
		}
		var requests []func(context.Context) (answer, error)
		for i, e := range chain[1:] {
			before := chain[i]
			p, err := w.signedIn(t, desks[before.column].lead).relmgr.OpenPairing(t.Context(), &relmgroas.PairingRequest{
				Column: relmgroas.Code(before.column), Identifier: relmgroas.LocalIdentifier(before.identifier), Decision: *w.proposal(t, before.column),
			})
			if err != nil {
				t.Fatal(bearer.Told(err))
			}
			requests = append(requests, w.posting(t, desks[e.column].manager, "/relmgr/v1/correlations", map[string]any{
				"column": e.column, "identifier": e.identifier, "pairing": p.Code, "mode": "imposed", "reason": "same-person-found", "decision": w.proposal(t, e.column),
			}))
		}
		if got := w.atOnce(t, requests...); slices.Max(got) != http.StatusAccepted || slices.Min(got) != http.StatusAccepted {
			t.Fatalf("round %d: %v", round, got)
		}
		a, _ := w.ask(t, "mr-lindqvist", chain[0].column, chain[0].identifier, "")
		wantTold(t, a, "school-pastoral-lead", "school-pastoral-lead", "school-pastoral-lead", "school-pastoral-lead",
			"riverside-surgery", "riverside-surgery", "riverside-surgery", "riverside-surgery")
		var rows, handles int
		if err := w.Admin(t).QueryRowContext(t.Context(), `select count(distinct m.row_id), count(*) from relmgr.disclosures d
			join relmgr.handles h on h.handle_id = d.handle_id join relmgr.handles m on m.row_id = h.row_id
			where d.enquiry_id = $1`, string(a.ID)).Scan(&rows, &handles); err != nil || rows != 1 || handles != 8*9 {
			t.Errorf("round %d: %d rows, %d handles for each of 8, %v", round, rows, handles/8, err)
		}
	}
	wantWhole(t, w.Admin(t))
}
