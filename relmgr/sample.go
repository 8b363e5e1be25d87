package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Every week a share of each agency's enquiries is drawn for review. Nobody
// chooses: the order of a week's draw is the hash of a seed and the enquiry's
// random id, and the seed is a keyed hash of agency and week, under a key that
// the database was bound to before the week began. Whoever asks cannot tell which
// of their enquiries will be drawn, and whoever draws again gets the same.

const (
	week = 7 * 24 * time.Hour
	// settled is when an enquiry of a week that is over is surely recorded.
	settled = time.Hour
)

// drawSamples draws the samples of an agency's weeks that are over and have none.
// They are the same whoever draws them, when, and after whatever interruption: a
// week is one statement.
func (s *Service) drawSamples(ctx context.Context, who decide.Caller, now time.Time) error {
	monday, err := s.q.NextSampleWeek(ctx, s.db, who.Agency)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return pg.Fault(err)
	}
	for ; !now.Before(monday.Add(week + settled)); monday = monday.Add(week) {
		seed, err := s.sampleSeed(ctx, who.Agency, monday)
		if err != nil {
			return err
		}
		if err := s.q.DrawSample(ctx, s.db, relmgrdb.DrawSampleParams{
			AgencyID: string(who.Agency), Week: monday, Seed: seed, Starts: monday, Ends: monday.Add(week), DueAt: monday.Add(week + reviewWithin),
			Percent: int16(max(1, who.Terms.Settings.ReviewSamplePercent)), // terms of before the setting have none
		}); err != nil {
			return pg.Fault(err)
		}
	}
	return nil
}

// sampleSeed is what orders the draw of an agency's week.
func (s *Service) sampleSeed(ctx context.Context, agency ident.Agency, monday time.Time) ([]byte, error) {
	return s.keys.mac(ctx, sampleKey, string(agency)+"\n"+monday.Format(time.DateOnly))
}
