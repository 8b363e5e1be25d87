package governance

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// Change is what applying a document did, or would do. Act and Commitment are
// there where something was applied.
type Change struct {
	Applied    bool
	Version    int64 // in force after the call
	Act        ident.ActID
	Commitment []byte
	Changes    []partnership.Change
}

// Apply puts a partnership document in force, for a governance officer. What
// it changes is one act and one new version of the terms; a document that
// changes nothing is neither. With dryRun nothing is written, and the answer
// says what would be, or why it cannot be.
//
// Users registered by hand become those of the document, at once: who is not in
// it any more ends now. Users of other sources end where their agency, their
// issuer or all their roles are gone, and lose those roles and providers that
// are. An issuer's name that now stands for another address is an issuer gone
// and another come, for its subjects may be other people.
//
// Two documents at once are applied one after the other: the second is
// compared with what the first has left, and stands.
//
// Errors are Forbidden; Invalid, as partnership.Parse words it; and Conflict
// where the register of users says otherwise: a code or a sign-in that is an
// agency's own, or a practitioner whom somebody has ended by name.
func (s *Service) Apply(ctx context.Context, c decide.Caller, document []byte, dryRun bool) (_ Change, err error) {
	defer fault.Wrap(&err, "governance.Apply")
	if err := needOfficer(c); err != nil {
		return Change{}, err
	}
	doc, err := s.parse(document)
	if err != nil {
		return Change{}, err
	}
	var ch Change
	err = s.change(ctx, func(tx *sql.Tx, now time.Time) (err error) {
		var p plan
		if ch, p, err = s.compare(ctx, tx, now, doc); err != nil || dryRun || len(ch.Changes) == 0 {
			return err
		}
		ch.Applied, ch.Version = true, ch.Version+1
		act := by(c, kindApply, officer, now)
		act.Version = ch.Version
		if act, err = s.put(ctx, tx, act, doc, ch.Changes, p.steps); err != nil {
			return err
		}
		ch.Act, ch.Commitment = act.ID, act.Commitment
		return nil
	})
	if err != nil {
		return Change{}, err
	}
	return ch, nil
}

// parse reads a document of this hub.
func (s *Service) parse(document []byte) (partnership.Document, error) {
	doc, err := partnership.Parse(document, s.now())
	if err == nil && s.hub != "" && doc.Partnership.Hub != s.hub {
		return doc, fault.At("/partnership/hub", "write this hub's own identifier: the document is of another hub")
	}
	return doc, err
}

// compare says what the document would change, and how.
func (s *Service) compare(ctx context.Context, tx *sql.Tx, now time.Time, doc partnership.Document) (Change, plan, error) {
	current, err := s.current(ctx, tx)
	if err != nil {
		return Change{}, plan{}, err
	}
	users, err := s.users(ctx, tx, now, everyone)
	if err != nil {
		return Change{}, plan{}, err
	}
	p := newPlan(now, users, current.document, doc)
	if err := p.conflict(); err != nil {
		return Change{}, plan{}, err
	}
	current.document.Practitioners = byHand(users, now)
	doc.Practitioners = p.asRegistered(doc.Practitioners)
	return Change{Version: current.version, Changes: partnership.Diff(current.document, doc)}, p, nil
}

// put writes a change of the terms: the act, the version, and what becomes of
// the users.
func (s *Service) put(ctx context.Context, tx *sql.Tx, act Act, doc partnership.Document, changes []partnership.Change, steps []step) (Act, error) {
	content, err := contentOf(doc, changes)
	if err != nil {
		return Act{}, err
	}
	if act, err = s.append(ctx, tx, act, content); err != nil {
		return Act{}, err
	}
	if err := s.keep(ctx, tx, act, doc); err != nil {
		return Act{}, err
	}
	return act, s.take(ctx, tx, act, steps)
}
