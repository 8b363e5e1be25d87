package registrar

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// subjectsKeyOf is the key that wraps the data keys of people in an epoch.
func subjectsKeyOf(epoch int) seal.KeyID {
	return seal.KeyID("duty/registrar/subjects/" + strconv.Itoa(epoch))
}

// subjectsKey is the newest of them, under which whoever is entered now is wrapped.
func (s *Service) subjectsKey(ctx context.Context) (newest seal.KeyID, epoch int, err error) {
	newest, epoch = SubjectsKey, 1
	for {
		next := subjectsKeyOf(epoch + 1)
		switch _, err := s.keys.Check(ctx, next); {
		case errors.Is(err, seal.ErrDestroyed): // there is a newer one
		case errors.Is(err, seal.ErrNoKey):
			return newest, epoch, nil
		case err != nil:
			return "", 0, err
		}
		newest, epoch = next, epoch+1
	}
}

// rewrapPage is how many people are brought to another key in one transaction.
const rewrapPage = 500

// RewrapSubjects brings everybody's data key to the next wrapping key, or carries on
// what was stopped, while the registrar's process runs. It makes a new key when all
// are under the newest. The older one is retired, and kept as long as backups are.
func (s *Service) RewrapSubjects(ctx context.Context, progress func(done, of int)) (err error) {
	defer fault.Wrap(&err, "registrar.RewrapSubjects")
	newest, epoch, err := s.subjectsKey(ctx)
	if err != nil {
		return err
	}
	left, err := s.queries.CountToRewrap(ctx, s.db, registrardb.CountToRewrapParams{Registrar: s.registrar, WrappedBy: string(newest)})
	if err != nil {
		return pg.Fault(err)
	}
	if left == 0 {
		epoch++
		newest = subjectsKeyOf(epoch)
		if _, _, err := s.keys.Ensure(ctx, newest, seal.KindWrap); err != nil {
			return err
		}
		if left, err = s.queries.CountToRewrap(ctx, s.db, registrardb.CountToRewrapParams{Registrar: s.registrar, WrappedBy: string(newest)}); err != nil {
			return pg.Fault(err)
		}
	}
	for done := 0; ; {
		n := 0
		err := pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
			rows, err := s.queries.ListToRewrap(ctx, tx, registrardb.ListToRewrapParams{Registrar: s.registrar, WrappedBy: string(newest), Most: rewrapPage})
			if err != nil {
				return err
			}
			for _, r := range rows {
				dek, err := s.keys.Unwrap(ctx, seal.KeyID(r.WrappedBy), r.SubjectID[:], r.Wrapped)
				if err != nil {
					return err
				}
				wrapped, err := s.keys.Wrap(ctx, newest, r.SubjectID[:], dek)
				if err != nil {
					return err
				}
				if err := s.queries.Rewrap(ctx, tx, registrardb.RewrapParams{SubjectID: ident.Subject(r.SubjectID), Wrapped: wrapped, WrappedBy: string(newest)}); err != nil {
					return err
				}
			}
			n = len(rows)
			return nil
		})
		if err != nil {
			return err
		}
		done += n
		progress(done, int(left))
		if n > 0 {
			continue
		}
		left := false // by whoever began before the key was replaced
		for older := epoch - 1; older > 0 && !left; older-- {
			err := s.retire(ctx, subjectsKeyOf(older), func(tx *sql.Tx) (bool, error) {
				n, err := s.queries.CountWrapped(ctx, tx, registrardb.CountWrappedParams{Registrar: s.registrar, WrappedBy: string(subjectsKeyOf(older))})
				left = n > 0
				return left, err
			})
			if err != nil {
				return err
			}
		}
		if !left {
			return nil
		}
	}
}
