package edgetest_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/registrar"
)

// millCode is a registrar that the hub's own may stand in for.
const millCode = "mill-register"

// describeMill is what a partnership says of it.
func (h *hub) describeMill() object {
	h.t.Helper()
	set, err := attest.PublicKeys(h.t.Context(), h.keys["registrar"], registrar.SigningKey(millCode))
	h.must(err)
	js, err := json.Marshal(set)
	h.must(err)
	var jwks object
	h.must(json.Unmarshal(js, &jwks))
	return object{
		"code": millCode, "title": "The mill's register", "agency": "riverside-gp", "keys": jwks["keys"], "roles": []string{"caldicott-guardian"},
		"covered_by": []string{registrarCode},
	}
}

// coverGood opens a register of the other registrar, and is the good request to stand in
// for it.
func (b *bench) coverGood() {
	b.t.Helper()
	mill, err := registrar.New(registrar.Config{Registrar: millCode, DB: b.base.DB(b.t, "registrar"), Keys: b.keys["registrar"], Now: b.now, Registerer: prometheus.NewRegistry()})
	b.must(err)
	terms := (&decide.Terms{Version: 1, Registrars: []decide.Registrar{{Code: millCode, Agency: "riverside-gp", Roles: []string{"caldicott-guardian"}}}}).Index()
	_, err = mill.CreateRegister(b.t.Context(), decide.Caller{
		Actor: decide.Actor{Practitioner: "dr-lund", Agency: "riverside-gp", Roles: []string{"caldicott-guardian"}}, Terms: terms,
	}, registrar.Register{ID: "mill", Title: "The mill", Contact: "desk", Scope: "All"})
	b.must(err)
	b.good["coverRegister"] = request{as: keeper, target: "/registrar/v1/registers/mill/covers", body: render(plain(b.t, object{
		"until": b.until(24 * time.Hour), "reason": "risk-of-harm"}))}
}

// covers are those who may not stand in, and for what.
func (b *bench) covers(add func(string, string, request, ...string)) {
	r := b.good["coverRegister"]
	for _, who := range []string{"mr-lindqvist", "dr-lund"} {
		add("coverRegister: by "+who, "forbidden", b.as("coverRegister", who))
	}
	for _, register := range []string{marker, "town"} { // one that is none, and one's own
		add("coverRegister: what nobody stands in for", "not-known", r.at(strings.Replace(r.target, "mill", register, 1)))
	}
	add("coverRegister: a reason of no list", "invalid", b.but("coverRegister", marker, "reason"))
	for _, until := range []string{"2020-01-01T00:00:00Z", b.until(8 * 24 * time.Hour), "9999-12-31T23:59:59Z"} {
		add("coverRegister: until a time that is over or too far", "invalid", b.but("coverRegister", until, "until"), until)
	}
	repairs := b.good["listRepairs"]
	add("listRepairs: by somebody who neither publishes nor correlates", "forbidden", b.as("listRepairs", "clerk-ito"))
	for _, code := range []string{"co-ordinate-care", "working-with-person"} {
		add("listRepairs: a code of no list", "invalid", repairs.at(strings.Replace(repairs.target, code, marker, 1)))
	}
	recognise := b.good["recognise"]
	add("recognise: by a register that nobody has begun to stand in for", "not-known", recognise.at(strings.Replace(recognise.target, "town", "mill", 1)))
}
