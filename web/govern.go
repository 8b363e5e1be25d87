package web

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// governanceOfficer is the role that every partnership has for who answers for it.
const governanceOfficer = "governance-officer"

// showGovernance is the partnership as applied: what is due, its agreements and members,
// who is responsible for what, and how far the log has come.
func showGovernance(v *visit) error {
	now := v.p.Now()
	due := v.t.due(now)
	pg := &page{Title: "The partnership as applied", Lead: []string{
		"Version " + strconv.FormatInt(v.t.Version, 10) + " of " + v.t.Partnership.Name + ", under the law profile " + v.t.Partnership.LawProfile + ".",
	}}
	for _, n := range []link{
		{Text: "Due for review", Href: "/governance/due", Why: fmt.Sprintf("%d within %d months, of which %d overdue.", len(due), soonMonths, overdue(due, now))},
		{Text: "Disclosures and reviews", Href: oversightPath, Why: "How many people were told of, on which ground and for what, and which reviews wait."},
		{Text: "Other hubs", Href: "/governance/hubs", Why: "The hubs that this one has met, and how both sides stand."},
		{Text: "Disputes with other hubs", Href: disputesPath, Why: "What this hub and others dispute with each other, and what came of it."},
		{Text: "How registrars do", Href: "/governance/registrars", Why: "What each undertakes, and what it publishes."},
		{Text: "Changes by date", Href: "/governance/acts", Why: "Each version of the document, and what it changed."},
		{Text: "Try a document", Href: tryPath, Why: "See what a changed document would change. Nothing is applied."},
	} {
		pg.Cards = append(pg.Cards, card{Title: n.Text, Href: Prefix + n.Href, Lines: []string{n.Why}})
	}
	for _, a := range v.t.Agreements {
		pg.Cards = append(pg.Cards, card{Title: "Agreement: " + a.Title, Rows: []row{{Key: "Parties", Values: namesOf(a.Parties, v.t.agencyName)}, {Key: "For", Values: titles(v.t.Codes.Purposes, a.Purposes)}, {Key: "Review", Values: []string{a.Review}}}})
	}
	members := card{Title: "Members"}
	for _, a := range v.t.Agencies {
		members.Rows = append(members.Rows, row{Key: a.Name, Values: []string{plain(a.Kind)}})
	}
	pg.Cards = append(pg.Cards, members, v.logCard())
	g, err := v.governance()
	if err != nil {
		return err
	}
	services, err := g.ListServices(v.ctx)
	if err != nil {
		return err
	}
	for _, s := range services.Services {
		pg.Cards = append(pg.Cards, card{Title: "Duty: " + s.Duty, Rows: []row{{Key: "Does", Values: []string{sentence(s.Function)}}, {Key: "Responsible", Values: []string{sentence(s.Responsible)}}, {Key: "As", Values: []string{sentence(s.Status)}}}})
	}
	for _, s := range services.Shared {
		r := s.Responsible
		pg.Cards = append(pg.Cards, card{Title: "Who answers for: " + s.Title, Lines: []string{sentence(s.Function)}, Rows: []row{
			{Key: "Ownership", Values: []string{sentence(r.Ownership)}}, {Key: "Design", Values: []string{sentence(r.Design)}}, {Key: "Operation", Values: []string{sentence(r.Operation)}},
			{Key: "Capacity", Values: []string{sentence(r.Capacity)}}, {Key: "Performance", Values: []string{sentence(r.Performance)}},
		}})
	}
	return v.show(pg)
}

func namesOf(all []string, name func(string) string) (out []string) {
	for _, one := range all {
		out = append(out, name(one))
	}
	return out
}

// logCard is the newest signed head of the hub's log, which anybody may read: how many
// commitments it has, and who cosigned it when (C2SP tlog-checkpoint, tlog-cosignature).
func (v *visit) logCard() card {
	c := card{Title: "The log and its witnesses"}
	text, err := v.p.public(v.ctx, v.p.Duties.Governance+"/log/v1/checkpoint")
	head, signatures, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if err != nil || !ok || len(lines) < 3 {
		c.Tag, c.Lines = "Not read", []string{"The log does not answer now."}
		return c
	}
	c.Rows = []row{{Key: "Log", Values: lines[:1]}, {Key: "Commitments", Values: lines[1:2]}, {Key: "Root", Values: lines[2:3]}}
	witnesses := row{Key: "Witnesses"}
	for _, s := range strings.Split(strings.TrimSpace(signatures), "\n") {
		if by, at, ok := cosigner(s); ok {
			witnesses.Values = append(witnesses.Values, by+", "+when(at))
		}
	}
	if len(witnesses.Values) == 0 {
		c.Lines = []string{"No witness has cosigned it. A peer that does can tell if the log is ever rewritten."}
		return c
	}
	c.Rows = append(c.Rows, witnesses)
	return c
}

// cosigner is who signed a line of a note as a witness, and when: its signature begins with
// four bytes that name the key and eight that are the time, and the log's own has no time.
func cosigner(line string) (by string, at time.Time, ok bool) {
	rest, ok := strings.CutPrefix(line, "— ")
	if !ok {
		return "", at, false
	}
	by, encoded, _ := strings.Cut(rest, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) != 4+8+ed25519.SignatureSize {
		return "", at, false
	}
	return by, time.Unix(int64(binary.BigEndian.Uint64(raw[4:12])), 0), true //nolint:gosec // a time of ours
}

// public reads what a duty tells anybody.
func (p *Portal) public(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("a duty answered %d", resp.StatusCode)
	}
	return string(text), err
}

func showGovernanceActs(v *visit) error {
	g, err := v.governance()
	if err != nil {
		return err
	}
	var params governanceoas.ListGovernanceActsParams
	if from := v.r.URL.Query().Get("from"); len(from) == 36 {
		params.Cursor.SetTo(governanceoas.Cursor(from))
	}
	got, err := g.ListGovernanceActs(v.ctx, params)
	if err != nil {
		return err
	}
	pg := &page{Title: "Changes by date", Lead: []string{"What governance has changed, newest first."}, Empty: "Nothing yet.", Links: []link{backToGovernance}}
	for _, a := range got.Acts {
		c := card{Title: plain(string(a.Kind)), Rows: []row{{Key: "When", Values: []string{when(a.At)}}, {Key: "Who", Values: []string{string(a.Practitioner) + ", " + v.t.agencyName(string(a.Agency))}}}}
		if a.Version.Set {
			c.Rows = append(c.Rows, row{Key: "Version", Values: []string{strconv.FormatInt(a.Version.Value, 10)}})
		}
		c.Rows = append(c.Rows, changesRow(a.Changes)...)
		c.Rows = append(c.Rows, row{Key: "In the log as", Values: []string{string(a.Commitment)}})
		pg.Cards = append(pg.Cards, c)
	}
	if got.Next.Set {
		pg.Links = append(pg.Links, link{Text: "Show older ones", Href: v.r.URL.Path + "?from=" + string(got.Next.Value)})
	}
	return v.show(pg)
}

// showOpenComplaints are those that nobody has answered. They name nobody.
func showOpenComplaints(v *visit) error {
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	got, err := r.ListComplaints(v.ctx, relmgroas.ListComplaintsParams{})
	if err != nil {
		return err
	}
	pg := &page{Title: "Complaints", Done: v.flash(), Empty: "No complaint is waiting.", Lead: []string{"Oldest first. A complaint is acknowledged within 30 days, by an officer of another agency than the one complained of."}}
	for _, one := range got.Complaints {
		at := Prefix + "/complaints/" + string(one.Complaint)
		c := card{Title: plain(one.Topic), Tag: "Waiting", Rows: []row{{Key: "Against", Values: []string{v.t.agencyName(string(one.Agency))}}, {Key: "Sent", Values: []string{when(one.At)}}, {Key: "Acknowledge by", Values: []string{whenDay(one.AcknowledgeBy)}}}}
		switch {
		case one.Acknowledged.Set:
			c.Tag = "Acknowledged"
		case one.Overdue:
			c.Tag = "Overdue"
		}
		if !one.Acknowledged.Set {
			c.Links = append(c.Links, link{Text: "Acknowledge it", Href: at + "/acknowledge"})
		}
		c.Links = append(c.Links, link{Text: "Answer it", Href: at + "/answer"})
		pg.Cards = append(pg.Cards, c)
	}
	return v.show(pg)
}

func acknowledge(v *visit, r *relmgroas.Client, f *form) error {
	_, err := r.AcknowledgeComplaint(v.ctx, &relmgroas.ComplaintStepRequest{Reason: relmgroas.Code(f.get("reason"))}, relmgroas.AcknowledgeComplaintParams{Complaint: relmgroas.ID(v.r.PathValue("complaint"))})
	return err
}

func answerFields(v *visit) []*field {
	return []*field{
		{Name: "outcome", Label: "What came of it?", Kind: choice, Missing: "Select what came of it", Options: worded([]string{"upheld", "partly-upheld", "not-upheld"})},
		reasonField(v.t, "Why?"),
	}
}

func answerComplaint(v *visit, r *relmgroas.Client, f *form) error {
	_, err := r.AnswerComplaint(v.ctx, &relmgroas.ComplaintAnswerRequest{Outcome: relmgroas.ComplaintOutcome(f.get("outcome")), Reason: relmgroas.Code(f.get("reason"))},
		relmgroas.AnswerComplaintParams{Complaint: relmgroas.ID(v.r.PathValue("complaint"))})
	return err
}

// reviewsForm asks why somebody reads what waits for review: the read is recorded as an
// enquiry (QRY-10).
func reviewsForm(v *visit) *form {
	return &form{Action: Prefix + "/reviews", Button: "Show what waits", Fields: []*field{
		purposeField(v.t, v.t.may(v.who.in, "review"), "What do you need it for?"), reasonField(v.t, "Why do you look?"),
	}}
}

var reviewsPage = page{Title: "Enquiries and overrides that wait for review", Lead: []string{
	"Emergencies, what people asked about themselves or those close to them, a sample of every week, and decisions that overrode a refusal. Nobody is shown their own. That you read them is recorded.",
}}

func showReviews(v *visit) error { pg := reviewsPage; return v.ask(&pg, reviewsForm(v)) }

func doReviews(v *visit) error {
	pg, f := reviewsPage, reviewsForm(v)
	if !f.read(v.values) {
		return v.again(&pg, f)
	}
	return v.to(Prefix + "/reviews/waiting?" + url.Values{"purpose": {f.get("purpose")}, "reason": {f.get("reason")}}.Encode())
}

func showWaiting(v *visit) error {
	q := v.r.URL.Query()
	purpose, reason := relmgroas.Code(q.Get("purpose")), relmgroas.Code(q.Get("reason"))
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	got, err := r.ListReviews(v.ctx, relmgroas.ListReviewsParams{Purpose: purpose, Reason: reason, Limit: relmgroas.NewOptInt(50)})
	if err != nil {
		return err
	}
	overrides, err := r.ListDecisions(v.ctx, relmgroas.ListDecisionsParams{Purpose: purpose, Reason: reason, State: relmgroas.NewOptListDecisionsState(relmgroas.ListDecisionsStateOverride), Limit: relmgroas.NewOptInt(50)})
	if err != nil {
		return err
	}
	overdue := 0
	pg := &page{Title: "What waits for review", Done: v.flash(), Empty: "Nothing waits for review."}
	for _, one := range got.Reviews {
		c := card{Title: plain(string(one.Cause)), Tag: "Due " + whenDay(one.Due), Rows: []row{
			{Key: "When", Values: []string{when(one.At)}}, {Key: "Who", Values: []string{string(one.Practitioner) + ", " + lower(title(v.t.Codes.Roles, string(one.Role)))}},
			{Key: "Service", Values: []string{v.t.columnTitle(string(one.Column.Or("")))}}, {Key: "For", Values: []string{title(v.t.Codes.Purposes, string(one.Purpose))}},
			{Key: "Why", Values: []string{title(v.t.Codes.Reasons, string(one.Reason))}}, {Key: "They were told of", Values: []string{strconv.Itoa(one.Told)}},
		}, Links: []link{{Text: "Say what you make of it", Href: Prefix + "/reviews/enquiries/" + string(one.Review)}}}
		if one.Overdue {
			c.Tag = "Overdue"
			overdue++
		}
		pg.Cards = append(pg.Cards, c)
	}
	for _, one := range overrides.Decisions {
		pg.Cards = append(pg.Cards, card{Title: "Override of a refusal", Tag: "Review by " + whenDay(one.Review), Rows: []row{
			{Key: "When", Values: []string{when(one.At)}}, {Key: "Who", Values: []string{string(one.Practitioner) + ", " + lower(title(v.t.Codes.Roles, string(one.Role)))}},
			{Key: "Service", Values: []string{v.t.columnTitle(string(one.Column))}}, {Key: "Ground", Values: []string{plain(string(one.Ground))}},
		}, Links: []link{{Text: "Say what you make of it", Href: Prefix + "/reviews/overrides/" + string(one.Act)}}})
	}
	pg.Lead = []string{fmt.Sprintf("Enquiries: %d, overdue: %d. Overrides: %d.", len(got.Reviews), overdue, len(overrides.Decisions))}
	return v.show(pg)
}

func outcomeFields(v *visit) []*field {
	return []*field{
		{Name: "outcome", Label: "What do you make of it?", Kind: choice, Missing: "Select what you make of it", Options: []option{
			{Value: "justified", Text: "It was justified"}, {Value: "not-justified", Text: "It was not justified"}, {Value: "more-needed", Text: "More has to be known first"}}},
		reasonField(v.t, "Why?"),
	}
}

func outcomeOf(f *form) *relmgroas.ReviewOutcomeRequest {
	return &relmgroas.ReviewOutcomeRequest{Outcome: relmgroas.ReviewOutcomeRequestOutcome(f.get("outcome")), Reason: relmgroas.Code(f.get("reason"))}
}

func judgeEnquiry(v *visit, r *relmgroas.Client, f *form) error {
	_, err := r.JudgeEnquiry(v.ctx, outcomeOf(f), relmgroas.JudgeEnquiryParams{Review: relmgroas.ID(v.r.PathValue("review")), IdempotencyKey: v.sentOnce()})
	return err
}

func judgeOverride(v *visit, r *relmgroas.Client, f *form) error {
	_, err := r.JudgeOverride(v.ctx, outcomeOf(f), relmgroas.JudgeOverrideParams{Act: actID(v), IdempotencyKey: v.sentOnce()})
	return err
}
