package relmgr

import "github.com/fame-hub/fame/internal/spoken"

// NewCode draws a code of the right form that opens nothing.
func NewCode() string { return string(spoken.NewCode()) }

// Waiting is how many enquiries wait to be recorded, without the batch that is
// being written.
func (s *Service) Waiting() int { return len(s.append.queue) }
