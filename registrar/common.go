package registrar

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/spoken"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// Two agencies, each of which has had somebody recognised, ask whether that is one
// person (AUT-09, QRY-07). One asks and reads a code out to the other, who answers.
// Neither learns what the other calls the person, or more than yes or no.

// The kinds of act.
const (
	askCommon    = "ask-common-client"
	answerCommon = "answer-common-client"
	refuseCommon = "refuse-common-client"
)

// CommonAsk is one side's: whom it had recognised, and why it asks.
type CommonAsk struct {
	Column      ident.Column        `json:"column"` // for which the caller acts
	Purpose     string              `json:"purpose"`
	Reason      string              `json:"reason"`
	Case        string              `json:"case,omitempty"`
	Recognition ident.RecognitionID `json:"recognition"`
	// Reference is of a pairing that the caller has opened at the relationship manager.
	// Where both sides give one, a yes comes with a statement of the two.
	Reference string `json:"reference,omitempty"`
}

// CommonAsked is what to read out to the other side.
type CommonAsked struct {
	Code  string // in groups of three
	Until time.Time
	Receipt
}

// CommonAnswer is what came of a question.
type CommonAnswer string

// The answers. While nobody has answered, it waits until its code is over.
const (
	CommonYes        CommonAnswer = "yes"
	CommonNo         CommonAnswer = "no"
	CommonWaiting    CommonAnswer = "waiting"
	CommonUnanswered CommonAnswer = "unanswered"
)

// Common is what both sides are told.
type Common struct {
	Answer    CommonAnswer
	Right     *decide.Right // of a yes alone
	Statement string        // compact JWS for the relationship manager; empty without two references
	Receipt                 // of who answered; empty for who asked
}

// commonAsked is the first side's, as its act keeps it.
type commonAsked struct {
	Recognition ident.RecognitionID `json:"recognition"`
	Until       time.Time           `json:"until"`
	CommonAsk
	Agreements []string `json:"agreements"`
}

// commonAnswered is what both are told.
type commonAnswered struct {
	Asks        ident.ActID         `json:"asks"`
	Recognition ident.RecognitionID `json:"recognition"`
	Same        bool                `json:"same"`
	decide.Right
	Statement ident.StatementID `json:"statement,omitzero"`
}

// commonDeed is what an act about a common client did.
type commonDeed struct {
	CommonAsked    *commonAsked    `json:"common_asked,omitempty"`
	CommonAnswered *commonAnswered `json:"common_answered,omitempty"`
	CommonAsk      *CommonAsk      `json:"common_ask,omitempty"` // of who answers, or is refused
	StoppedAt      int             `json:"stopped_at,omitempty"`
}

// AskCommon asks whether the person of a recognition of the caller's agency is somebody
// else's too, and returns the code for the other side. Errors: Forbidden for another's
// column, Invalid, DecisionRefused for who has no right to ask, on record; NotKnown for
// what is no recognition of the caller's agency that stands.
func (s *Service) AskCommon(ctx context.Context, caller decide.Caller, q CommonAsk) (made CommonAsked, err error) {
	defer fault.Wrap(&err, "registrar.AskCommon")
	at := s.now()
	asking, err := s.mayShare(ctx, caller, q, at)
	if err != nil {
		return CommonAsked{}, err
	}
	code := spoken.NewCode()
	token, err := s.commonToken(ctx, code)
	if err != nil {
		return CommonAsked{}, err
	}
	made = CommonAsked{Code: code.Grouped(), Until: at.Add(time.Duration(caller.Terms.Settings.PairingMinutes) * time.Minute)}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if _, err := s.ownRecognition(ctx, tx, caller, q.Recognition); err != nil {
			return err
		}
		a := s.Begin(askCommon, caller, asking.Role, at)
		a.Deed = deed{commonDeed: commonDeed{CommonAsked: &commonAsked{q.Recognition, made.Until, q, asking.Agreements}}}
		if made.Receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return s.queries.AskCommon(ctx, tx, registrardb.AskCommonParams{ActID: a.ID, RecognitionID: q.Recognition, Token: token, EndsAt: made.Until})
	})
	return made, err
}

// AnswerCommon answers what another agency has asked by a code. Whether both have a
// right to tell each other is decided before anything is compared, and rests on the
// terms alone. A code that is none, over, used or one's own agency's is PairingUnusable;
// the same register has to have recognised both. Other errors are AskCommon's. Of two
// who answer at once, one does.
func (s *Service) AnswerCommon(ctx context.Context, caller decide.Caller, heard string, q CommonAsk) (c Common, err error) {
	defer fault.Wrap(&err, "registrar.AnswerCommon")
	at := s.now()
	code, ok := spoken.ParseCode(heard)
	if !ok {
		return Common{}, fault.At("/code", "the code was misheard or mistyped: ask for it to be read out again")
	}
	asking, err := s.mayShare(ctx, caller, q, at)
	if err != nil {
		return Common{}, err
	}
	token, err := s.commonToken(ctx, code)
	if err != nil {
		return Common{}, err
	}
	var first commonAsked
	var statement *attest.CommonClient
	var without bool
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		c, statement, without = Common{Answer: CommonNo}, nil, false // the closure may run again
		row, err := s.queries.FindCommon(ctx, tx, registrardb.FindCommonParams{Token: token, Now: at, Registrar: s.registrar})
		if errors.Is(err, sql.ErrNoRows) || err == nil && row.AgencyID == caller.Agency {
			return codeOfNobody()
		} else if err != nil {
			return err
		}
		var said struct {
			Deed deed `json:"deed"`
		}
		if err := leaf.Open(ctx, s.keys, RecordsKey, row.ActID, leaf.Leaf{Commitment: row.Commitment, Sealed: row.Sealed, WrappedKey: row.Wrapped}, &said); err != nil {
			return err
		}
		first = *said.Deed.CommonAsked
		mine, err := s.ownRecognition(ctx, tx, caller, q.Recognition)
		if err != nil {
			return err
		}
		right := s.rightOf(caller.Terms, first, asking, at)
		if right == nil {
			without = true
			return nil
		}
		theirs, err := s.queries.FindDetermined(ctx, tx, registrardb.FindDeterminedParams{
			RecognitionID: first.Recognition, Agency: row.AgencyID, Registrar: s.registrar,
		})
		if errors.Is(err, sql.ErrNoRows) {
			return codeOfNobody() // found to be wrong meanwhile
		} else if err != nil {
			return err
		}
		if mine.RegisterID != theirs.RegisterID {
			return fault.At("/recognition", "have the person recognised in the register that the other side asked: two registers' people cannot be compared")
		}
		d := commonAnswered{Asks: row.ActID, Recognition: q.Recognition, Same: mine.SubjectID == theirs.SubjectID && !mine.Shielded, Right: *right}
		if d.Same {
			c.Answer, c.Right = CommonYes, right
			if q.Reference != "" && first.Reference != "" {
				d.Statement = ident.NewStatement()
				statement = &attest.CommonClient{
					Audience: audience(caller.Terms), References: [2]string{first.Reference, q.Reference}, ID: d.Statement,
					Level: string(lesser(mine.Confidence, theirs.Confidence)), Types: []string{TypeOf("")},
					IssuedAt: at, Expires: at.Add(statementLife(caller.Terms)),
				}
			}
		}
		a := s.Begin(answerCommon, caller, asking.Role, at)
		a.Deed = deed{commonDeed: commonDeed{CommonAnswered: &d, CommonAsk: &q}}
		if c.Receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		n, err := s.queries.AnswerCommon(ctx, tx, registrardb.AnswerCommonParams{
			Asks: row.ActID, ActID: a.ID, RecognitionID: q.Recognition, Same: d.Same, Agreement: right.Agreement, Powers: right.Powers,
			Purpose: right.Purpose, Aspects: right.Aspects, StatementID: d.Statement,
		})
		if err == nil && n == 0 {
			return codeOfNobody()
		}
		return err
	})
	switch {
	case err != nil:
		return Common{}, err
	case without:
		return Common{}, s.noRight(ctx, caller, q, asking, at)
	case statement != nil:
		c.Statement, err = s.signer.SignCommonClient(ctx, *statement)
	}
	return c, err
}

// OutcomeOfCommon tells who asked what came of it: yes or no, and of a yes on what
// right. NotKnown for anybody else.
func (s *Service) OutcomeOfCommon(ctx context.Context, caller decide.Caller, asked ident.ActID) (c Common, err error) {
	defer fault.Wrap(&err, "registrar.OutcomeOfCommon")
	row, err := s.queries.FindCommonAnswer(ctx, s.db, registrardb.FindCommonAnswerParams{
		ActID: asked, Registrar: s.registrar, Practitioner: string(caller.Practitioner), Agency: caller.Agency,
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Common{}, fault.New(fault.NotKnown, "you have asked nothing of this id")
	} else if err != nil {
		return Common{}, pg.Fault(err)
	}
	switch {
	case row.Same:
		return Common{Answer: CommonYes, Right: &decide.Right{Agreement: row.Agreement, Powers: row.Powers, Purpose: row.Purpose, Aspects: row.Aspects}}, nil
	case row.Answered:
		return Common{Answer: CommonNo}, nil
	case s.now().Before(row.EndsAt):
		return Common{Answer: CommonWaiting}, nil
	}
	return Common{Answer: CommonUnanswered}, nil
}

// mayShare takes the caller's own side through its four steps. What they stop at is
// recorded.
func (s *Service) mayShare(ctx context.Context, caller decide.Caller, q CommonAsk, at time.Time) (decide.Asking, error) {
	column := caller.Terms.FindColumn(q.Column, at)
	if column == nil || !caller.MemberOf(column) {
		return decide.Asking{}, fault.New(fault.Forbidden, "you are not a member of that column: name a column that your agency has put you in")
	}
	var c checks
	c.that(decide.Has(caller.Terms.Codes.Purposes, q.Purpose), "name one of the partnership's purposes", "/purpose")
	c.that(decide.Has(caller.Terms.Codes.Reasons, q.Reason), "name one of the partnership's reasons", "/reason")
	if err := c.fault(); err != nil {
		return decide.Asking{}, err
	}
	asking := caller.Terms.Ask(caller.Actor, decide.Question{Column: column, Purpose: q.Purpose, Reason: q.Reason, NoCase: q.Case == ""}, at)
	if step := asking.StoppedAt(); step > 0 {
		return decide.Asking{}, s.refuseCommon(ctx, caller, q, asking.Role, step, asking.Because(), at)
	}
	return asking, nil
}

// rightOf is on what the two may tell each other, nil for none.
func (s *Service) rightOf(terms *decide.Terms, first commonAsked, second decide.Asking, at time.Time) *decide.Right {
	column := terms.FindColumn(first.Column, at)
	if column == nil {
		return nil
	}
	return terms.RightBetween(&decide.Asking{Column: column, Purpose: first.Purpose, Agreements: first.Agreements}, &second, at)
}

func (s *Service) noRight(ctx context.Context, caller decide.Caller, q CommonAsk, asking decide.Asking, at time.Time) error {
	return s.refuseCommon(ctx, caller, q, asking.Role, 1, "no right: no agreement lets both sides ask for one purpose, a bar stands between them, "+
		"or a column is sensitive and says whom it knows on explicit consent alone", at)
}

// refuseCommon records that somebody had no right to ask, and says so.
func (s *Service) refuseCommon(ctx context.Context, caller decide.Caller, q CommonAsk, role string, step int, because string, at time.Time) error {
	if role == "" {
		role = caller.AnyRole()
	}
	f := fault.New(fault.DecisionRefused, "step %d: %s", step, because)
	f.Step = step
	err := pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(refuseCommon, caller, role, at)
		a.Deed = deed{commonDeed: commonDeed{CommonAsk: &q, StoppedAt: step}}
		receipt, err := s.Append(ctx, tx, &a)
		f.Commitment = receipt.Commitment
		return err
	})
	if err != nil {
		return err
	}
	return f
}

// ownRecognition is a recognition of the caller's agency that determined somebody and
// stands.
func (s *Service) ownRecognition(ctx context.Context, tx *sql.Tx, caller decide.Caller, id ident.RecognitionID) (registrardb.FindDeterminedRow, error) {
	row, err := s.queries.FindDetermined(ctx, tx, registrardb.FindDeterminedParams{RecognitionID: id, Agency: caller.Agency, Registrar: s.registrar})
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.New(fault.NotKnown, "your agency has no recognition of this id that determined somebody and stands: have the person recognised")
	}
	return row, err
}

func codeOfNobody() error {
	return fault.New(fault.PairingUnusable, "this code cannot be used: ask the other side for another")
}

// commonToken is what is stored of a code.
func (s *Service) commonToken(ctx context.Context, code spoken.Code) ([]byte, error) {
	mac, err := s.keys.MAC(ctx, EntriesKey, []byte("fame/common/1\x00"+code))
	return mac[:], err
}

// lesser is the less certain of two recognitions' confidences.
func lesser(x, y string) decide.Confidence {
	if decide.Confidence(x).Reaches(decide.Confidence(y)) {
		return decide.Confidence(y)
	}
	return decide.Confidence(x)
}
