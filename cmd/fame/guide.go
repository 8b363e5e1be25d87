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
	{Name: "guardian-lowe", Title: "guardian-lowe, Caldicott guardian of the surgery, who approves uploads"},
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
			"As dr-patel, publish that the surgery works with somebody new, GP-55001: will co-ordinate, for assessing needs together and reviewing medication, on the person's explicit consent. Then make a telephone code for GP-55001. (The first story: a surgery publishes an offer.)",
			"As mr-lindqvist, join with that code as LMN-55001, which is what he calls the same person. Ask about LMN-55001 for a medication review: the surgery is there to be contacted, and is never called GP-55001 to him. (The second: with whom can I do this?)",
			"As dr-patel, ask about GP-00101, whom four services know. The police are not among them: he has left them out, and nothing in the answer shows it. (The third: who else is working with him?)",
			"As ms-okafor, ask about S000014. The clinic knows the girl too, and by her own choice the school is not told: nothing can be told, worded so that nobody takes it for no. Send the contact request that stands beside it: whoever has it is asked within half an hour, each at a time of its own. (The fourth.)",
			"With the registrar, as Daniel Ashworth: see who knows you and who asked, hide one of them, and let it be told of again. The registrar has recorded that he acts for two children: choose whose file to look at.",
			"As dr-brandt, look at what waits for review. As gov-ellis, look at the partnership, what of it is due and its log, and try a document: change an agency's name in it and see what that would change. Nothing is applied.",
		},
	}
}
