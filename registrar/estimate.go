package registrar

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

const (
	// estimateFrom is how many entries a register must have before anything can be
	// learnt from it, and estimateMost how many are looked at.
	estimateFrom, estimateMost = 100, 200_000
	// estimateEvery is how often it is looked whether a register has changed enough:
	// by a fifth.
	estimateEvery = time.Minute
	// countMost bounds the counting of a register without an estimate.
	countMost = 10_000
)

// models are the newest models, by register.
type models struct {
	mu   sync.Mutex
	held map[ident.Register]*match.Model
}

// model is the newest estimate of a register, and how many it holds, about. Until
// there is one, what is known of registers in general holds.
func (s *Service) model(ctx context.Context, id ident.Register) (*match.Model, int, error) {
	newest, err := s.queries.NewestModel(ctx, s.db, id)
	switch {
	case err == sql.ErrNoRows: //nolint:errorlint // database/sql returns it as it is
		n, err := s.queries.CountSubjects(ctx, s.db, registrardb.CountSubjectsParams{RegisterID: id, Most: countMost})
		return match.Prior(int(n)), int(n), pg.Fault(err)
	case err != nil:
		return nil, 0, pg.Fault(err)
	}
	s.models.mu.Lock()
	held := s.models.held[id]
	s.models.mu.Unlock()
	if held != nil && held.Version == newest.Version {
		return held, int(newest.Entries), nil
	}
	text, err := s.queries.ReadModel(ctx, s.db, registrardb.ReadModelParams{RegisterID: id, Version: newest.Version})
	if err != nil {
		return nil, 0, pg.Fault(err)
	}
	m, err := match.Decode([]byte(text))
	if err != nil {
		return nil, 0, err
	}
	s.models.mu.Lock()
	defer s.models.mu.Unlock()
	s.models.held[id] = m
	return m, int(newest.Entries), nil
}

// Run keeps the models of this registrar's registers up to date, compares entries
// that are new, and measures how people are found, until ctx is done. It joins nothing and decides nothing: what is likely
// it puts before a person.
func (s *Service) Run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(estimateEvery)
	defer tick.Stop()
	for next := s.clock().Add(estimateEvery); ; {
		if now := s.clock(); now.After(next) {
			next = now.Add(recallEvery)
			if err := s.MeasureRecall(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
		if err := s.EstimateAll(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.Search(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// EstimateAll estimates the model of each register that has changed by a fifth since
// its last.
func (s *Service) EstimateAll(ctx context.Context) error {
	registers, err := s.queries.ListRegisters(ctx, s.db, registrardb.ListRegistersParams{Registrar: s.registrar})
	if err != nil {
		return pg.Fault(err)
	}
	for _, r := range registers {
		if err := s.estimate(ctx, r.RegisterID); err != nil {
			return fmt.Errorf("estimate the model of a register: %w", err)
		}
	}
	return nil
}

// estimate learns a register's model, if it has changed enough and nobody else does.
func (s *Service) estimate(ctx context.Context, id ident.Register) error {
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		mine, err := s.queries.TryEstimating(ctx, tx, string(id))
		if err != nil || !mine {
			return err
		}
		n, err := s.queries.CountSubjects(ctx, tx, registrardb.CountSubjectsParams{RegisterID: id, Most: 1 << 30})
		if err != nil || n < estimateFrom {
			return err
		}
		if newest, err := s.queries.NewestModel(ctx, tx, id); err == nil && 5*max(n-newest.Entries, newest.Entries-n) < newest.Entries {
			return nil
		}
		forms, err := s.sample(ctx, tx, id)
		if err != nil {
			return err
		}
		at := s.now()
		version := "em-" + at.Format("20060102150405")
		m := match.Estimate(match.NewIndex(len(forms), func(i int) *match.Form { return forms[i] }), nil, version)
		m.Entries = int(n)
		text, err := m.Encode()
		if err != nil {
			return err
		}
		return s.queries.InsertModel(ctx, tx, registrardb.InsertModelParams{RegisterID: id, Version: version, At: at, Entries: n, Model: string(text)})
	})
}

// sample is what is compared of up to estimateMost people: those with the lowest ids,
// which are drawn at random.
func (s *Service) sample(ctx context.Context, tx *sql.Tx, id ident.Register) (forms []*match.Form, err error) {
	const part = 5000
	for after := (ident.Subject{15: 1}); len(forms) < estimateMost; {
		rows, err := s.queries.SampleProfiles(ctx, tx, registrardb.SampleProfilesParams{RegisterID: id, SubjectID: after, Most: part})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			f, err := s.form(ctx, r.SubjectID, r.Sealed, r.Wrapped, r.WrappedBy)
			if err != nil {
				return nil, err
			}
			forms, after = append(forms, f), r.SubjectID
		}
		if len(rows) < part {
			break
		}
	}
	return forms, nil
}
