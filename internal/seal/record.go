package seal

import (
	"bytes"
	"context"
	"encoding/binary"
	"strconv"
	"strings"
)

// Record is what SealRecord makes. Wrapped goes where it can be deleted, Body
// beside the record: without Wrapped, Body is noise.
type Record struct {
	Wrapped []byte
	Body    []byte
}

// recordEpoch begins what a later epoch of a duty's key has wrapped; the epoch and
// the wrapped key follow. What the first epoch wrapped begins as any wrapped key.
const recordEpoch = 2

// RecordKey names a duty's key for records in an epoch. The first has the duty's own
// name.
func RecordKey(duty KeyID, epoch int) KeyID {
	if epoch <= 1 {
		return duty
	}
	return duty + "/" + KeyID(strconv.Itoa(epoch))
}

// RecordPrefix is how everything begins that a duty's key of an epoch has wrapped.
func RecordPrefix(epoch int) []byte {
	if epoch <= 1 {
		return []byte{sealVersion}
	}
	return binary.BigEndian.AppendUint32([]byte{recordEpoch}, uint32(epoch))
}

// epochOf is the epoch that RecordKey named.
func epochOf(id KeyID) int {
	n, err := strconv.Atoi(string(id[strings.LastIndexByte(string(id), '/')+1:]))
	if err != nil {
		return 1
	}
	return n
}

// wrapRecord wraps the data key of a record, and says by which epoch.
func wrapRecord(ctx context.Context, p Provider, id KeyID, record [16]byte, dek DEK) ([]byte, error) {
	wrapped, err := p.Wrap(ctx, id, record[:], dek)
	if epoch := epochOf(id); err == nil && epoch > 1 {
		wrapped = append(RecordPrefix(epoch), wrapped...)
	}
	return wrapped, err
}

func unwrapRecord(ctx context.Context, p Provider, duty KeyID, record [16]byte, wrapped []byte) (DEK, error) {
	if len(wrapped) > 5 && wrapped[0] == recordEpoch {
		epoch := binary.BigEndian.Uint32(wrapped[1:5])
		if epoch < 2 || epoch > 1<<30 {
			return DEK{}, about(duty, ErrOpen)
		}
		duty, wrapped = RecordKey(duty, int(epoch)), wrapped[5:]
	}
	return p.Unwrap(ctx, duty, record[:], wrapped)
}

// SealRecord seals the salt of a record's commitment and the record's
// canonical bytes under a data key of their own, and wraps that under the
// duty's KindWrap key, of whatever epoch. The record's id binds both, so that
// neither can be moved to another record. The length of Body tells only the next
// multiple of 256.
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
	wrapped, err := wrapRecord(ctx, p, id, record, dek)
	if err != nil {
		return Record{}, err
	}
	return Record{Wrapped: wrapped, Body: body}, nil
}

// OpenRecord returns what SealRecord sealed for the same record, and ErrOpen
// for anything else. id is the duty's key of the first epoch: which one wrapped
// the record's key is said there.
func OpenRecord(ctx context.Context, p Provider, id KeyID, record [16]byte, r Record) (salt [32]byte, canonical []byte, err error) {
	dek, err := unwrapRecord(ctx, p, id, record, r.Wrapped)
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

// RewrapRecord wraps the data key of a record anew, by an epoch of the duty's key.
func RewrapRecord(ctx context.Context, p Provider, duty KeyID, epoch int, record [16]byte, wrapped []byte) ([]byte, error) {
	if bytes.HasPrefix(wrapped, RecordPrefix(epoch)) {
		return wrapped, nil
	}
	dek, err := unwrapRecord(ctx, p, duty, record, wrapped)
	if err != nil {
		return nil, err
	}
	return wrapRecord(ctx, p, RecordKey(duty, epoch), record, dek)
}
