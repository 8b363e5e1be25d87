// Package relmgr is the relationship manager: the index of who works with whom.
//
// It owns handles, cells, rows, anchors, the acts on them, offers, pairings, enquiries,
// contact requests, approvals, imports, and the tags by which other hubs look somebody up
// privately. Its truth is the acts; cells, correlations, the row of a handle and whom a
// column has twice are a projection that each act changes in its own transaction.
//
// It must never see a name, a date of birth, a note or a private link. What a
// provider calls a person enters as a local identifier, is turned into a keyed
// token and sealed under the controlling agency's key in the method that
// receives it, and is never logged, returned to another column or stored in
// clear (IDX-04, DCP-03, DCP-11).
//
// Reading order: service.go, enquire.go (the question), anchor.go (about a stranger), publish.go, pair.go,
// statement.go, correlate.go, undo.go, caseload.go, imposed.go, closing.go (the acts),
// contact.go, reply.go (reaching those who must stay hidden), approve.go,
// import.go, batch.go (many at once), rows.go (the projection), rotate.go (keys), record.go (how anything is
// recorded), read.go, review.go, declare.go, sample.go, decisions.go (who looks at what was asked and decided), asof.go, history.go (what was told
// earlier), notice.go (who hears of what has changed), repair.go, ruling.go (what the hub
// does because a registrar was wrong or an adjudicator ruled), axle.go, lookup.go (what other
// hubs ask), tie.go (who is one person here and there), recent.go, duplicates.go, oversee.go (what waits, and counts), erase.go, retain.go
// (what goes), mine.go, me.go, complain.go (the person themself).
package relmgr
