package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/fame-hub/fame/consent/decide"
)

// ByTerms is a pass of retention of a duty whose periods the terms state, and which says how
// many records it erased.
func (e *Edge) ByTerms(retain func(context.Context, *decide.Terms) (int, error)) func(context.Context) ([]slog.Attr, error) {
	return func(ctx context.Context) ([]slog.Attr, error) {
		terms, err := e.Terms(ctx)
		if err != nil {
			return nil, err
		}
		n, err := retain(ctx, terms)
		if n == 0 {
			return nil, err
		}
		return []slog.Attr{slog.Int("records", n)}, err
	}
}

// retainEvery is how often what is past its time is erased.
const retainEvery = 6 * time.Hour

// Retain has a duty erase what is past its time, a minute after its process began and every
// six hours, until ctx ends. A pass returns what is to be logged of it, nothing where nothing
// was erased.
func Retain(ctx context.Context, log *slog.Logger, pass func(context.Context) (erased []slog.Attr, err error)) {
	for next := time.NewTimer(time.Minute); ; next.Reset(retainEvery) {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		erased, err := pass(ctx)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "retention cannot go on", "alert", "retention-lag", "cause", err.Error())
		} else if len(erased) > 0 {
			log.LogAttrs(ctx, slog.LevelInfo, "erased what was past its time", erased...)
		}
	}
}
