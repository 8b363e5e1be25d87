package edgetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// QRY-08, QRY-10, QRY-11: an enquiry that is flagged (about oneself, one's household or
// a declared conflict) is answered as any other: the same bytes, statements, rows,
// metrics and logs, also when reviewers have looked at it.
func TestAFlaggedEnquiryIsAnsweredAsAnyOther(t *testing.T) {
	t.Parallel()
	h, l := watched(t, setting{})
	about := func(social string) observed {
		r := post(h, "/relmgr/v1/enquiries", toAsk(asked{social: social}, nil))
		r.as = asker
		return h.observe(l, r, true)
	}
	first := about("LMN-70000")
	for i, c := range []struct {
		name    string
		by      string
		declare object
	}{
		{"oneself", asker, object{"interest": "self"}},
		{"the household", asker, object{"interest": "household"}},
		{"a conflict, by a reviewer", "ms-novak", object{"interest": "conflict", "practitioner": asker}},
	} {
		social := fmt.Sprintf("LMN-%05d", 70_001+i)
		h.ok(c.by, "POST", "/relmgr/v1/declarations", seedWith(c.declare, object{"column": askers, "identifier": social}))
		for _, when := range []string{"before", "after"} {
			if found := differences(first, about(social)); len(found) > 0 {
				t.Errorf("%s, %s a reviewer looks: a flagged enquiry can be told:\n%s", c.name, when, strings.Join(found, "\n"))
			}
			if !slices.ContainsFunc(h.reviews(), func(r object) bool { return r["cause"] == "flag" && r["interest"] == c.declare["interest"] }) {
				t.Errorf("%s: no reviewer is shown it", c.name)
			}
		}
	}
}
