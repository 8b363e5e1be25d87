package pg

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"time"

	"github.com/lib/pq"
)

// The types of elements, as PostgreSQL numbers them.
const (
	oidBool        = 16
	oidBytea       = 17
	oidInt8        = 20
	oidInt4        = 23
	oidText        = 25
	oidTimestamptz = 1184
)

// epoch is where PostgreSQL counts microseconds from.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// inBinary returns the arguments with arrays in the form that PostgreSQL takes
// without parsing: as text they are a quarter of what an append of many enquiries
// costs it. Their parameters must be text[], bytea[], timestamptz[], boolean[],
// int[] or bigint[] by what they are cast to in the statement, and the connection
// must take []byte in binary (Open's does).
func inBinary(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case *pq.StringArray:
			out[i] = array(*a, oidText, func(b []byte, s string) []byte { return append(size(b, len(s)), s...) })
		case *pq.ByteaArray:
			out[i] = array(*a, oidBytea, func(b, s []byte) []byte { return append(size(b, len(s)), s...) })
		case *pq.BoolArray:
			out[i] = array(*a, oidBool, func(b []byte, v bool) []byte {
				if v {
					return append(size(b, 1), 1)
				}
				return append(size(b, 1), 0)
			})
		case *pq.Int32Array:
			out[i] = array(*a, oidInt4, func(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(size(b, 4), uint32(v)) })
		case *pq.Int64Array:
			out[i] = array(*a, oidInt8, eight)
		case pq.GenericArray:
			if times, ok := a.A.([]time.Time); ok {
				out[i] = array(times, oidTimestamptz, func(b []byte, t time.Time) []byte {
					return eight(b, t.Round(time.Microsecond).UnixMicro()-epoch)
				})
			} else {
				out[i] = a
			}
		default:
			out[i] = a
		}
	}
	return out
}

func eight(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(size(b, 8), uint64(v)) }

func size(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

// array is a list with one dimension, counted from one. As lib/pq has it, a list
// that is nil is NULL, and an element that is nil is empty.
func array[T any](list []T, element uint32, put func([]byte, T) []byte) any {
	if list == nil {
		return nil
	}
	b := make([]byte, 0, 20+36*len(list))
	if len(list) == 0 {
		return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 0, 0, 0, 0, 0), element)
	}
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 0) // one dimension, no NULL
	b = binary.BigEndian.AppendUint32(b, element)
	b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
	b = append(b, 0, 0, 0, 1)
	for _, v := range list {
		b = put(b, v)
	}
	return b
}

// JSON is a jsonb value. It is sent as text: []byte, as which json.RawMessage would
// go, stands for PostgreSQL's own binary form.
type JSON []byte

// Value is the text; nil is NULL.
func (j JSON) Value() (driver.Value, error) {
	if j == nil {
		return nil, nil
	}
	return string(j), nil
}

// Scan reads a jsonb column; NULL gives nil.
func (j *JSON) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*j = nil
	case []byte:
		*j = bytes.Clone(src)
	case string:
		*j = JSON(src)
	default:
		return errors.New("pg: a jsonb column was read as something else")
	}
	return nil
}
