package relmgr

// NewCode draws a code of the right form that opens nothing.
var NewCode = newCode

// Waiting is how many enquiries wait to be recorded, without the batch that is
// being written.
func (s *Service) Waiting() int { return len(s.append.queue) }
