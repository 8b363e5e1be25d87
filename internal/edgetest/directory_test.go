package edgetest_test

// directoryGood is the good search of the directory.
func (b *bench) directoryGood() {
	b.good["searchDirectory"] = request{as: "dr-patel", target: "/federation/v1/directory?kind=registrar&area=riverside&reach=regional"}
}

// directory are searches for what nobody publishes by.
func (b *bench) directory(add func(string, string, request, ...string)) {
	for name, query := range map[string]string{
		"a kind that is none": "kind=" + marker, "a level that is none": "reach=" + marker, "an area that is no code": "area=" + marker + "%20", "an area twice": "area=a&area=b", "nothing that it knows": marker + "=1",
	} {
		add("searchDirectory: "+name, "malformed", b.good["searchDirectory"].at("/federation/v1/directory?"+query))
	}
}

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	tellsNothing["searchDirectory"] = "knows no subject: services and registrars, as hubs publish them"
	ofOfficers["searchDirectory"] = "what hubs publish is everybody's to see"
}
