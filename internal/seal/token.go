package seal

import (
	"context"

	"github.com/fame-hub/fame/internal/ident"
)

const tokenDomain = "fame/token/1\x00"

// Token returns the look-up value of an identifier in a column: HMAC-SHA-256
// under the column's KindMAC key over an encoding that no other pair of column
// and identifier shares. The identifier is taken byte for byte: the caller
// normalises. Both must not be empty.
func Token(ctx context.Context, p Provider, id KeyID, column ident.Column, identifier string) ([32]byte, error) {
	if column == "" || identifier == "" {
		return [32]byte{}, ErrUsage
	}
	return p.MAC(ctx, id, joined(tokenDomain, []byte(column), []byte(identifier)))
}
