package leaf

import (
	"crypto/sha256"
	"encoding/hex"
)

// Erased binds an act to the leaves whose contents it erased: how many, and SHA-256 over
// each with the hash of what of its record still stands, in the order of the leaves.
type Erased struct {
	Leaves int    `json:"leaves"`
	Digest string `json:"digest"` // in hexadecimal
}

// ErasedOf is what an act says of the leaves that it erases, nil for none. commitments
// are in their order, and each has its place in rests.
func ErasedOf(commitments, rests [][]byte) *Erased {
	if len(commitments) == 0 {
		return nil
	}
	sum := sha256.New()
	for i := range commitments {
		sum.Write(commitments[i])
		sum.Write(rests[i])
	}
	return &Erased{len(commitments), hex.EncodeToString(sum.Sum(nil))}
}
