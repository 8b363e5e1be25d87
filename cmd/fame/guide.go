package main

import (
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/web"
)

// players are the people of Riverside whom one can sign in as in the demo. None exists.
var players = []localissuer.Person{
	{Name: "mr-lindqvist", Title: "mr-lindqvist, social worker and relationship manager"},
	{Name: "dr-patel", Title: "dr-patel, general practitioner"},
	{Name: "ms-okafor", Title: "ms-okafor, teacher"},
	{Name: "dr-brandt", Title: "dr-brandt, safeguarding lead of the surgery"},
	{Name: "gov-ellis", Title: "gov-ellis, governance officer"},
	{Name: "ms-abara", Title: "ms-abara, keeper of the register of people"},
}

// guide is what to try in the demo, and as whom.
func guide() *web.Guide {
	return &web.Guide{
		Title: "Riverside: a story to follow",
		Lead:  []string{"Everybody and everything here is synthetic. Each step is one that somebody in the story would take."},
		People: []web.GuideCard{
			{Title: "mr-lindqvist", Lines: []string{"Social worker, and relationship manager. He knows Amina Brook as LMN-00042."}},
			{Title: "dr-patel", Lines: []string{"General practitioner. The same child is GP-00042 to her surgery."}},
			{Title: "ms-okafor", Lines: []string{"Teacher. She knows Chloe Marsh as S000014, whom the clinic knows too, without the school being told."}},
			{Title: "dr-brandt", Lines: []string{"Safeguarding lead of the surgery. She reviews what its people asked."}},
			{Title: "gov-ellis", Lines: []string{"Governance officer of the partnership."}},
			{Title: "Daniel Ashworth", Lines: []string{"Somebody whom four services know. He signs in with the registrar, by the number and the password that the demo has printed, and sees what is held about him."}},
			{Title: "ms-abara", Lines: []string{"Keeps the register by which people are recognised."}},
		},
		Steps: []string{
			"Sign in as mr-lindqvist and ask about LMN-00042: the surgery, the school and the police are there to be contacted, each under its own decision.",
			"Ask about LMN-00042 again, this time for a medication review: only the surgery offers that.",
			"Sign out, sign in as dr-patel and ask about GP-00042: the same child, and she is never shown anybody else's identifier.",
			"As ms-okafor, ask about S000014: nothing can be told, which is worded so that nobody takes it for no. Send the contact request that stands beside it.",
			"Sign in with the registrar as Daniel Ashworth: see who knows you and who asked, hide one of them, and let it be told of again.",
		},
	}
}
