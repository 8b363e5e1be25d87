package web

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/internal/yamldoc"
)

// Issue "The portal", governance: what is due is listed in the order of its days, what is over for good is not.
func TestWhatIsDueIsListedByItsDay(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	in := func(months int) *time.Time { on := now.AddDate(0, months, 0); return &on }
	doc := &terms{Agreements: []agreement{
		{Title: "near", Review: "2026-12-01"}, {Title: "overdue", Review: "2026-01-31"}, {Title: "far", Review: "2027-12-01"},
		{Title: "over", Review: "2026-01-31", Ends: in(-1)}, {Title: "ending", Review: "2028-01-01", Ends: in(2)},
	}, Powers: []power{{Title: "repealed", Ends: in(-200)}, {Title: "sunset", Ends: in(1)}}, Columns: []column{{ID: "desk"}}}
	doc.Columns[0].Contacts = []contact{{Confirmed: "2026-06-01"}, {Confirmed: "2025-06-01"}}
	var got []string
	all := doc.due(now)
	for _, one := range all {
		got = append(got, one.name)
	}
	if want := "overdue Desk near sunset ending"; strings.Join(got, " ") != want {
		t.Errorf("due is %v, want %s", got, want)
	}
	if n := overdue(all, now); n != 2 {
		t.Errorf("%d are overdue", n)
	}
}

// FED-26: the map says of each pair of hubs whether they ask each other, and connects no others by a whole line.
func TestTheMapSaysHowTwoHubsStand(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for want, p := range map[string]federationoas.Peer{
		"Invited":     {State: federationoas.PeerStateInvited},
		"Waiting":     {State: federationoas.PeerStateConfirmed, Theirs: federationoas.PeerTheirsNotSeen},
		"Connected":   {State: federationoas.PeerStateConfirmed, Theirs: federationoas.PeerTheirsConfirmed},
		"Ended there": {State: federationoas.PeerStateConfirmed, Theirs: federationoas.PeerTheirsEnded},
		"Suspended":   {State: federationoas.PeerStateSuspended, Theirs: federationoas.PeerTheirsConfirmed},
		"Left":        {State: federationoas.PeerStateLeft},
	} {
		p.Agreement.Until = now.Add(time.Hour)
		if tag, words := peerState(p, now); tag != want || words == "" {
			t.Errorf("%s and %s: %s, want %s", p.State, p.Theirs, tag, want)
		}
	}
	over := federationoas.Peer{State: federationoas.PeerStateConfirmed, Theirs: federationoas.PeerTheirsConfirmed, Agreement: federationoas.PeerAgreement{Until: now.Add(-time.Hour)}}
	if tag, _ := peerState(over, now); tag != "Ended" {
		t.Errorf("an agreement that is over: %s", tag)
	}
}

// C2SP tlog-cosignature: a witness's line has a time, the log's own has none.
func TestAWitnessIsToldFromTheLogByItsLine(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	cosigned := append([]byte{1, 2, 3, 4, 0, 0, 0, 0}, byte(at.Unix()>>24), byte(at.Unix()>>16), byte(at.Unix()>>8), byte(at.Unix()))
	cosigned = append(cosigned, make([]byte, 64)...)
	by, on, ok := cosigner("— witness.example/w " + base64.StdEncoding.EncodeToString(cosigned))
	if !ok || by != "witness.example/w" || !on.Equal(at) {
		t.Errorf("%q %v %v", by, on, ok)
	}
	for _, line := range []string{"", "— log.example " + base64.StdEncoding.EncodeToString(make([]byte, 68)), "— x !", "witness.example/w " + base64.StdEncoding.EncodeToString(cosigned)} {
		if _, _, ok := cosigner(line); ok {
			t.Errorf("%q is taken for a witness's", line)
		}
	}
}

// What the page to try a document shows can be sent back as it is: nothing becomes something else on the way.
func TestADocumentIsWrittenAsItWasRead(t *testing.T) {
	in := governanceoas.PartnershipDocument{
		"codes": []byte(`{"purposes":[{"code":"a","title":"yes"}]}`), "partnership": []byte(`{"name":"007","starts":"2026-01-31","n":12,"b":true,"x":"true","t":"a: #b","l":[],"m":"one\ntwo"}`),
	}
	text, err := documentText(in)
	if err != nil {
		t.Fatal(err)
	}
	js, _, err := yamldoc.JSON([]byte(text))
	if want := `{"partnership":` + string(in["partnership"]) + `,"codes":` + string(in["codes"]) + `}`; err != nil || string(js) != want {
		t.Errorf("%s\nbecomes %s, %v\nwant %s", text, js, err, want)
	}
}
