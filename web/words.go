package web

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// plainWords are codes of the contract in plain English. A code of the partnership's own
// lists has its title there.
var plainWords = map[string]string{
	"named-person": "Named person", "role": "Role", "team": "Team", "unit": "Unit", "agency": "Agency",
	"will-co-ordinate": "Will co-ordinate", "will-make-available": "Will make available", "wants-to-be-informed": "Wants to be informed",
	"telephone": "Telephone", "email": "Email", "page": "Web page",
	"child": "A child", "adult": "An adult", "unborn": "An unborn child", "not-known": "Not known",
	"subject": "The person themself", "supplier-with-consent": "The agency, with the person's consent", "joint": "Both together", "imposed": "Imposed, without consent",
	"explicit-consent": "The person has explicitly consented", "implied-consent": "Consent is implied", "public-interest": "The public interest outweighs confidence",
	"significant-harm": "Somebody may come to significant harm", "required-by-law": "The law requires it", "duty-to-share": "There is a duty to share it",
	"court-order": "A court has ordered it", "not-confidential": "It is not confidential",
	"art6-public-task":             "A public task or official authority laid down by law (Article 6(1)(e))",
	"art6-legal-obligation":        "A legal obligation (Article 6(1)(c))",
	"art6-vital-interests":         "To protect somebody's life (Article 6(1)(d))",
	"art6-consent":                 "The person has consented (Article 6(1)(a))",
	"art6-recognised-safeguarding": "Safeguarding a child or an adult at risk (Article 6(1)(ea), Annex 1)",
	"art6-recognised-emergency":    "Responding to an emergency (Article 6(1)(ea), Annex 1)",
	"art6-recognised-crime":        "Detecting or preventing crime (Article 6(1)(ea), Annex 1)",
	"art6-legitimate-interests":    "A legitimate interest (Article 6(1)(f))",
	"art9-explicit-consent":        "The person has explicitly consented (Article 9(2)(a))",
	"art9-health-social-care":      "Health or social care, under a duty of secrecy (Article 9(2)(h))",
	"art9-vital-interests":         "To protect the life of somebody who cannot consent (Article 9(2)(c))",
	"sch1-safeguarding-at-risk":    "Safeguarding children and individuals at risk (Schedule 1 paragraph 18)",
	"sch1-unlawful-acts":           "Preventing or detecting unlawful acts (Schedule 1 paragraph 10)",
	"sch1-statutory-purposes":      "Statutory and government purposes (Schedule 1 paragraph 6)",
	"signed-form":                  "Signed on a form", "spoken-and-noted": "Said, and noted", "recorded-call": "Said in a recorded call", "electronic": "Given electronically",
	"interpreter-present": "Given with an interpreter present",
	"told-back":           "You said in your own words what it means", "questions-answered": "Your questions were answered", "interpreter": "With an interpreter", "advocate": "With somebody who speaks for you",
	"publish": "Published", "pair": "Opened a telephone code", "correlate": "Stated that two identifiers are the same person", "separate": "Separated", "withdraw": "Undid an earlier act",
	"keep-apart": "Keeps two identifiers apart", "dispute": "Disputed who it is", "settle": "Settled a dispute", "suspend": "Suspended", "end": "Ended",
	"asked-in-error": "Entered by mistake", "confirm": "Confirmed", "contact": "Asked to be contacted", "reply": "Answered a contact request", "move": "Moved to another column",
	"tell": "Looked again at telling the person", "object": "Objected", "rule": "Ruled on an objection", "approve": "Approved an import", "erase": "Erased",
	"attach-anchor": "Let the registrar's word find them", "silence": "Kept out of notices", "repair": "Suspended: a recognition was wrong", "tie": "Joined to somebody at another hub", "untie": "No longer joined to anybody at another hub", "ask-as-of": "Asked about an earlier date",
	"approve-as-of": "Approved a question about an earlier date",
	"rectification": "What is held is not right, or not about me", "sharing": "It was shared, and should not have been", "refusal": "I was refused something", "access": "I could not see what is held",
	"conduct": "How somebody behaved", "other": "Something else",
	"agreement-breached": "It did what was not agreed", "wrong-answer": "It gave a wrong answer", "no-answer": "It does not answer",
	"dismissed": "Dismissed", "settled": "Settled",
	"upheld": "Upheld", "partly-upheld": "Partly upheld", "not-upheld": "Not upheld",
	"share": "Will share", "call-me": "Asks to be called", "not-share": "Will not share",
	"initialise": "The hub was made", "apply": "The partnership document was changed", "register-practitioner": "Registered a user", "end-practitioner": "Ended a user",
	"sign-in": "Somebody signed in by their claims", "split-view": "A log showed two histories",
	"sharing-is-more-detrimental": "Sharing would do more harm", "sharing-is-not-more-detrimental": "Sharing would not do more harm", "not-considered": "Does not apply here",
}

// plain is a code in words.
func plain(c string) string {
	if w := plainWords[c]; w != "" {
		return w
	}
	s := strings.ReplaceAll(strings.ReplaceAll(c, "-", " "), "co ordinate", "co-ordinate")
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return "Not stated"
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

func worded[T ~string](codes []T) (all []option) {
	for _, c := range codes {
		all = append(all, option{Value: string(c), Text: plain(string(c))})
	}
	return all
}

// sentence is a duty's detail with a capital.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// when is an instant for people.
func when(t time.Time) string { return t.UTC().Format("2 January 2006 at 15:04 UTC") }

func whenDay(t time.Time) string { return t.UTC().Format("2 January 2006") }

func join(all []string) string {
	switch len(all) {
	case 0:
		return "None"
	case 1:
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
