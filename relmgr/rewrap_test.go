package relmgr_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

const recordsKey = seal.KeyID("duty/relmgr/records")

// contents opens every record, and counts those under the first key.
func (b *bundle) contents(t *testing.T) (opened, first int) {
	t.Helper()
	rows, err := b.admin.Query(`select k.record_id, k.wrapped, r.sealed from relmgr.content_keys k join (
		select act_id as id, sealed from relmgr.acts union all select enquiry_id, sealed from relmgr.enquiries union all select declaration_id, sealed from relmgr.declarations) r
		on r.id = k.record_id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id ident.UntypedID
		var r seal.Record
		if err := rows.Scan(&id, &r.Wrapped, &r.Body); err != nil {
			t.Fatal(err)
		}
		if _, _, err := seal.OpenRecord(t.Context(), b.keys, recordsKey, id, r); err != nil {
			t.Errorf("a record does not open: %v", err)
		}
		if opened++; r.Wrapped[0] == seal.RecordPrefix(1)[0] {
			first++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return opened, first
}

// DCP-11, LEG-29, design.md section 9: a copy of the database from before an erasure
// opens the identifier and what was recorded about it, until the keys of before are
// destroyed; then nothing in it does, and everything else can be read as before.
func TestABackupOpensNothingErasedOnceTheOldKeysAreDestroyed(t *testing.T) {
	b := setup(t)
	published := b.publish(t, "gp", gpChild)
	b.publish(t, "gp", own("gp-riverside", "GP-00050"))
	b.ask(t, "gp", gpChild, "")
	h := b.handle(t, "gp", gpChild)
	var sealed, wrapped, body, key []byte
	var by string
	var act ident.UntypedID
	if err := b.admin.QueryRow(`select sealed, wrapped_key, wrapped_by from relmgr.handles where handle_id = $1`, h).Scan(&sealed, &wrapped, &by); err != nil {
		t.Fatal(err)
	}
	if err := b.admin.QueryRow(`select a.act_id, a.sealed, k.wrapped from relmgr.acts a join relmgr.content_keys k on k.record_id = a.act_id
		where a.commitment = $1`, published.Commitment).Scan(&act, &body, &key); err != nil {
		t.Fatal(err)
	}
	opens := func() (identifier, record error) {
		dek, identifier := b.keys.Unwrap(t.Context(), seal.KeyID(by), h[:], wrapped)
		if identifier == nil {
			_, identifier = seal.Open(dek, h[:], sealed)
		}
		_, _, record = seal.OpenRecord(t.Context(), b.keys, recordsKey, act, seal.Record{Wrapped: key, Body: body})
		return identifier, record
	}
	b.erase(t, "gp-manager", gpChild)
	if err := b.Rewrap(t.Context(), "riverside-gp", quiet); err != nil {
		t.Fatal(err)
	}
	if err := b.RewrapRecords(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if identifier, record := opens(); identifier != nil || record != nil {
		t.Fatalf("a backup of before is of no use: %v, %v", identifier, record)
	}
	_, err := b.DestroyRetired(t.Context(), recordsKey)
	wantKind(t, err, fault.Conflict) // somebody may be writing by it
	b.wait(29 * day)
	if gone, err := b.DestroyRetired(t.Context()); err != nil || len(gone) != 0 {
		t.Errorf("%v, %v: backups are kept for 30 days", gone, err)
	}
	b.wait(2 * day)
	if gone, err := b.DestroyRetired(t.Context()); err != nil || len(gone) != 2 {
		t.Fatalf("%v, %v", gone, err)
	}
	if identifier, record := opens(); !errors.Is(identifier, seal.ErrNoKey) || !errors.Is(record, seal.ErrNoKey) {
		t.Errorf("a backup of before opens: %v, %v", identifier, record)
	}
	if n, first := b.contents(t); n == 0 || first != 0 {
		t.Errorf("%d records open, %d are under the first key", n, first)
	}
	b.ask(t, "gp", own("gp-riverside", "GP-00050"), "")
	if s := b.another(t); s == nil { // it starts without the destroyed keys
		t.Error("no other process")
	}
}

// The key of records rotates while processes record, one of which never hears of it,
// and the tool is stopped in each of its steps: everything recorded opens all the
// time, and no key is destroyed that anything is still under.
func TestRecordsAreRewrappedWhileOthersRecord(t *testing.T) {
	b := setup(t)
	deaf := b.another(t)
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for p, s := range []*relmgr.Service{deaf, b.another(t)} {
		if p > 0 {
			clients.Go(func() { s.Listen(ctx) })
		}
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, err := s.Enquire(ctx, b.as("gp"), relmgr.Question{Own: own("gp-riverside", "GP-"+strconv.Itoa(10_000+1_000*p+n%900)), Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"})
				if err != nil && ctx.Err() == nil {
					t.Errorf("ask: %v", err)
				}
			}
		})
	}
	for b.count(t, `select count(*) from relmgr.enquiries`) < 300 {
		time.Sleep(time.Millisecond)
	}
	for stopAt := 1; stopAt < 4; stopAt++ {
		tool, end := context.WithCancel(t.Context())
		steps := 0
		_ = b.another(t).RewrapRecords(tool, func(string, int, int) {
			if steps++; steps == stopAt {
				end()
			}
		})
		end()
		b.contents(t)
	}
	for from := b.count(t, `select count(*) from relmgr.enquiries`); b.count(t, `select count(*) from relmgr.enquiries`) < from+20; {
		time.Sleep(time.Millisecond)
	}
	stop()
	clients.Wait()
	if _, err := deaf.Enquire(t.Context(), b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"}); err != nil {
		t.Fatal(err)
	}
	if err := b.RewrapRecords(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if _, err := deaf.Enquire(t.Context(), b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"}); err != nil {
		t.Fatal(err)
	}
	b.wait(31 * day)
	_, err := b.DestroyRetired(t.Context())
	wantKind(t, err, fault.Conflict) // what the deaf one has recorded
	if err := b.RewrapRecords(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if gone, err := b.DestroyRetired(t.Context()); err != nil || len(gone) == 0 {
		t.Fatalf("%v, %v", gone, err)
	}
	if _, err := deaf.Enquire(t.Context(), b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"}); err != nil {
		t.Errorf("the deaf one, now that its key is gone: %v", err)
	}
	n, first := b.contents(t)
	if n < 300 || first != 0 {
		t.Errorf("%d records open, %d are under the first key", n, first)
	}
}
