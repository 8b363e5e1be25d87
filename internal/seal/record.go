package seal

import "context"

// Record is what SealRecord makes. Wrapped goes where it can be deleted, Body
// beside the record: without Wrapped, Body is noise.
type Record struct {
	Wrapped []byte
	Body    []byte
}

// SealRecord seals the salt of a record's commitment and the record's
// canonical bytes under a data key of their own, and wraps that under the
// duty's KindWrap key. The record's id binds both, so that neither can be moved
// to another record. The length of Body tells only the next multiple of 256.
func SealRecord(ctx context.Context, p Provider, id KeyID, record [16]byte, salt [32]byte, canonical []byte) (Record, error) {
	if record == [16]byte{} {
		return Record{}, ErrUsage
	}
	dek := NewDEK()
	plaintext := append(append(make([]byte, 0, len(salt)+len(canonical)), salt[:]...), canonical...)
	body, err := sealPadded(dek, record[:], plaintext, recordBucket)
	if err != nil {
		return Record{}, err
	}
	wrapped, err := p.Wrap(ctx, id, record[:], dek)
	if err != nil {
		return Record{}, err
	}
	return Record{Wrapped: wrapped, Body: body}, nil
}

// OpenRecord returns what SealRecord sealed for the same record, and ErrOpen
// for anything else.
func OpenRecord(ctx context.Context, p Provider, id KeyID, record [16]byte, r Record) (salt [32]byte, canonical []byte, err error) {
	dek, err := p.Unwrap(ctx, id, record[:], r.Wrapped)
	if err != nil {
		return salt, nil, err
	}
	plaintext, err := Open(dek, record[:], r.Body)
	if err != nil {
		return salt, nil, err
	}
	if len(plaintext) < len(salt) {
		return salt, nil, ErrOpen
	}
	return [32]byte(plaintext), plaintext[len(salt):], nil
}
