package edgetest_test

import "time"

func init() { //nolint:gochecknoinits // a topic adds its own to the lists of what tells nothing and of what officers do
	tellsNothing["oversee"] = "counts people, in tens and of days that are past; what is hidden is disclosed to nobody, and so counted for nobody (TestDisclosuresAreCountedInPeopleAndNeverInFew)"
	ofOfficers["oversee"] = "counts that name nobody are what officers look after a partnership by"
}

// overseeGood is an officer's good request, and periods are those that cannot be counted.
func (b *bench) overseeGood() {
	b.good["oversee"] = request{as: "gov-ellis", target: "/relmgr/v1/oversight?from=2026-01-01&until=2026-01-31"}
}

func (b *bench) periods(add func(string, string, request, ...string)) {
	at := func(from, until string) request {
		return b.good["oversee"].at("/relmgr/v1/oversight?from=" + from + "&until=" + until)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	add("oversee: by no officer", "forbidden", b.as("oversee", "dr-patel"))
	add("oversee: today, which is not over", "invalid", at("2026-01-01", today))
	add("oversee: days to come", "invalid", at("2999-01-01", "2999-01-02"))
	add("oversee: a last day before the first", "invalid", at("2026-01-02", "2026-01-01"))
	add("oversee: too long", "invalid", at("2025-01-01", "2026-01-01"))
	for _, day := range []string{"", marker, "2026-02-30", "2026-01-01T00:00:00Z", "0000-00-00", "20260101", "-1"} {
		add("oversee: no day "+day, "malformed", at(day, "2026-01-31"))
		add("oversee: no last day "+day, "malformed", at("2026-01-01", day))
	}
}
