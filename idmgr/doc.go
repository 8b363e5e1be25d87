// Package idmgr is the identity manager: private, specific, expiring links for
// exceptional occasions, which the index never sees (IDM-01 to 08). The
// fourteen-year-old who told her teacher gets help without her records being
// joined.
//
// A link has two parties. One opens it for a handle of their own column, towards
// one column, for one purpose, on a decision that walks the four steps; the person's
// word is kept with the link, and nowhere else. A code that is spoken brings the
// other side's handle (open.go, links.go). From then on whoever accepted may ask
// through it, who to turn to and about what, until its end, its last use or its
// ending by either party (links.go). A link publishes nothing, and never
// becomes a correlation. It may lead to another hub: then each manager has a half, and
// asks the other's by letters that the federation duties carry (far.go).
//
// Everything that a manager does is a record in one journal that all managers of
// the hub share (journal.go). Rows of the journal look alike and name nobody: what
// stands is rebuilt in memory by whoever holds the manager's key
// (docs/decisions/0050). A hub may have several managers, each a process with a key
// of its own.
//
// What was kept of links and cases that are over is erased by the month (retain.go).
//
// What a manager publishes is another thing, and stands in other tables: grants and
// withholdings on a handle (effects.go), each under a rule of the manager's own
// versioned set (rules.go). relmgr reads them with the row and weighs them in memory
// (decide.Weigh). Where one manager grants what another withholds it is withheld, and
// becomes a case (cases.go), as do disputes, refused joint acts and unreviewed
// emergencies that relmgr hands over: one queue, moved up by deadlines and appeals to
// a final owner. All of it is acts (acts.go).
//
// It must never see a row, an agency's identifier, nor another manager's links.
package idmgr
