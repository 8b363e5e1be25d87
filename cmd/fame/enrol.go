package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/registraroas"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar/provider"
)

// member is the person of the demo who signs in as themself: Daniel Ashworth, who is
// known to four services and has left the police out.
var member = struct {
	given, family, birth, password string
	identifiers                    map[ident.Column]string
}{
	"Daniel", "Ashworth", "1988-02-11", "a heron on the mill pond",
	map[ident.Column]string{"gp-riverside": "GP-00101", "school-pastoral": "S000101", "social-care": "LMN-00101", "police-riverside": "P/0101/26"},
}

// wards are those for whom the member acts: for one to see, for the other to decide too.
// The register's keepers have recorded that neither can decide for themself.
var wards = []struct {
	given, family, birth, passport string
	identifiers                    map[ident.Column]string
	authority                      registraroas.ProxyAuthority
	scope                          []registraroas.RepresentativeRequestScopeItem
}{
	{"Amina", "Brook", "2019-05-14", "DEMO00042", map[ident.Column]string{"gp-riverside": "GP-00042"}, registraroas.ProxyAuthorityParentalResponsibility,
		[]registraroas.RepresentativeRequestScopeItem{registraroas.RepresentativeRequestScopeItemSee, registraroas.RepresentativeRequestScopeItemDecide}},
	{"Isaac", "Dar", "2017-08-30", "DEMO00105", map[ident.Column]string{"gp-riverside": "GP-00105"}, registraroas.ProxyAuthoritySpecialGuardian,
		[]registraroas.RepresentativeRequestScopeItem{registraroas.RepresentativeRequestScopeItemSee}},
}

// enrol has the register of people take the person in and those for whom they act, and
// the person choose a password with the registrar's code. It returns the number that they sign in with.
func (s *storyteller) enrol(ctx context.Context, h hub) (number string, err error) {
	keeper, err := s.as("ms-abara")
	if err != nil {
		return "", err
	}
	const register = "riverside-people"
	if _, err := keeper.registrar.CreateRegister(ctx, &registraroas.RegisterRequest{
		Register: register, Title: "The people of Riverside", Contact: "01632 960104", Scope: "Everybody whom a member works with",
	}); err != nil {
		return "", bearer.Told(err)
	}
	entry, err := s.enter(ctx, keeper, register, member.given, member.family, member.birth, "DEMO00101", member.identifiers)
	if err != nil {
		return "", err
	}
	for _, ward := range wards {
		theirs, err := s.enter(ctx, keeper, register, ward.given, ward.family, ward.birth, ward.passport, ward.identifiers)
		if err != nil {
			return "", err
		}
		until := s.now().AddDate(1, 0, 0)
		if _, err := keeper.registrar.AssessCompetence(ctx, &registraroas.CompetenceRequest{Until: until, Reason: "working-with-person"},
			registraroas.AssessCompetenceParams{Register: register, Subject: theirs}); err != nil {
			return "", bearer.Told(err)
		}
		if _, err := keeper.registrar.RecordRepresentative(ctx, &registraroas.RepresentativeRequest{
			Representative: entry, Scope: ward.scope, Reason: "working-with-person",
			Proxy: registraroas.Proxy{Authority: ward.authority, Evidence: registraroas.ProxyEvidenceDocumentSeen, Until: until},
		}, registraroas.RecordRepresentativeParams{Register: register, Subject: theirs}); err != nil {
			return "", bearer.Told(err)
		}
	}
	code, err := keeper.registrar.IssueEnrolmentCode(ctx, &registraroas.KeepingRequest{Reason: "subject-asked"}, registraroas.IssueEnrolmentCodeParams{Register: register, Subject: entry})
	if err != nil {
		return "", bearer.Told(err)
	}
	return choosePassword(ctx, h.Hub+provider.Prefix(registrarCode)+"/account", code.Code)
}

// enter has the register take somebody in, and each service that works with them let them
// be found by a recognition of its own.
func (s *storyteller) enter(ctx context.Context, keeper *person, register registraroas.Code, given, family, born, number string, identifiers map[ident.Column]string) (registraroas.SubjectReference, error) {
	name := registraroas.NewOptPersonName(registraroas.PersonName{Given: registraroas.NewOptWords(registraroas.Words(given)), Family: registraroas.NewOptWords(registraroas.Words(family))})
	birth := registraroas.NewOptBirth(registraroas.Birth{Date: registraroas.PartialDate(born)})
	passport := registraroas.NewOptSchemeIdentifier(registraroas.SchemeIdentifier{Scheme: "passport", Value: number})
	entry, err := keeper.registrar.RegisterSubject(ctx, &registraroas.RegistrationRequest{Items: []registraroas.ItemRequest{
		{Source: "person", Name: name}, {Source: "person", Birth: birth}, {Source: "person", Identifier: passport},
	}}, registraroas.RegisterSubjectParams{Register: register})
	if err != nil {
		return "", bearer.Told(err)
	}
	for column, identifier := range identifiers {
		p, err := s.as(desks[column].publisher)
		if err != nil {
			return "", err
		}
		found, err := p.registrar.Recognise(ctx, &registraroas.RecognitionRequest{
			Purpose: "co-ordinate-care", Reason: "working-with-person", Evidence: []registraroas.Evidence{{Name: name}, {Birth: birth}, {Identifier: passport}},
		}, registraroas.RecogniseParams{Register: register})
		if err != nil {
			return "", bearer.Told(err)
		}
		if !found.Recognition.Set {
			return "", errors.New("the register does not recognise its own entry")
		}
		if _, err := p.relmgr.AttachAnchor(ctx, &relmgroas.AnchorRequest{
			Column: relmgroas.Code(column), Identifier: relmgroas.LocalIdentifier(identifier), Recognition: relmgroas.RecognitionToken(found.Recognition.Value), Reason: "subject-asked",
		}, relmgroas.AttachAnchorParams{}); err != nil {
			return "", bearer.Told(err)
		}
	}
	return entry.Subject, nil
}

// choosePassword does on the registrar's pages what a person does with their code.
func choosePassword(ctx context.Context, account, code string) (number string, err error) {
	var cookies []*http.Cookie
	client := &http.Client{Timeout: 30 * time.Second}
	send := func(address string, form url.Values) (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			return "", err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies { // a browser sends them to its own machine, which a jar does not
			r.AddCookie(c)
		}
		resp, err := client.Do(r)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("the registrar's page answers %d", resp.StatusCode)
		}
		cookies = append(resp.Cookies(), cookies...)
		return html.UnescapeString(string(text)), err
	}
	page, err := send(account+"/code", url.Values{"step": {"enrolment"}, "code": {code}})
	if err != nil {
		return "", err
	}
	said := regexp.MustCompile(`id="sign-in-number">([0-9 ]+)<`).FindStringSubmatch(page)
	if said == nil {
		return "", errors.New("the registrar's page names no sign-in number")
	}
	if _, err := send(account, url.Values{"step": {"new-secret"}, "secret": {member.password}, "again": {member.password}}); err != nil {
		return "", err
	}
	return said[1], nil
}
