package lookup

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudflare/circl/oprf"
	"github.com/cloudflare/circl/zk/dleq"
)

// What is fixed for all hubs.
const (
	Most         = 64  // identifiers in one question
	SeedSize     = 32  // bytes of an epoch's secret
	ElementSize  = 32  // bytes of a blinded or evaluated identifier, and of a public key
	ProofSize    = 64  // bytes of a proof
	TagSize      = 16  // bytes
	ContentSize  = 128 // bytes that a row holds, filled up
	RowSize      = TagSize + nonceSize + 2 + ContentSize + 16
	MostPrefix   = 24 // bits
	MostBits     = 16 // of a prefix that is asked for: 14,000 conceivable NHS numbers have one in common
	BucketSize   = 16 // rows, of which a bucket has a multiple
	nonceSize    = 12
	mostIdentify = 255 // bytes of a scheme's code or an identifier
)

var suite = oprf.SuiteRistretto255

// ErrProof is what Values returns where what came back was not evaluated with the
// key that the hub has published.
var ErrProof = errors.New("lookup: the other hub did not use the key that it publishes: ask nobody's identifier of it, and tell its governance")

// ErrMalformed is what a message of another hub is refused with.
var ErrMalformed = errors.New("lookup: this is no message of a private look-up")

// Identifier is what a scheme, such as a national one, calls somebody. Whoever makes
// one has brought Number into the scheme's own form: two spellings are two people.
type Identifier struct{ Scheme, Number string }

// input is what the function is of. No two identifiers have one.
func (id Identifier) input() ([]byte, error) {
	if id.Scheme == "" || id.Number == "" || len(id.Scheme) > mostIdentify || len(id.Number) > mostIdentify {
		return nil, errors.New("lookup: an identifier has a scheme and a number, each of 1 to 255 bytes")
	}
	b := append([]byte("fame look-up 1"), byte(len(id.Scheme)))
	b = append(append(b, id.Scheme...), byte(len(id.Number)))
	return append(b, id.Number...), nil
}

// Answerer evaluates for others, with the secret of one epoch. It is safe for
// concurrent use.
type Answerer struct{ server oprf.VerifiableServer }

// NewAnswerer derives the key of an epoch from a hub's secret, which is SeedSize
// random bytes (RFC 9497, section 3.2.1).
func NewAnswerer(seed []byte, epoch uint32) (*Answerer, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("lookup: the secret of an epoch has %d bytes", SeedSize)
	}
	return newAnswerer(seed, binary.BigEndian.AppendUint32([]byte("fame look-up 1 epoch "), epoch))
}

func newAnswerer(seed, info []byte) (*Answerer, error) {
	key, err := oprf.DeriveKey(suite, oprf.VerifiableMode, seed, info)
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	return &Answerer{oprf.NewVerifiableServer(suite, key)}, nil
}

// PublicKey is what others hold Evaluate to.
func (a *Answerer) PublicKey() []byte {
	b, err := a.server.PublicKey().MarshalBinary()
	if err != nil {
		panic(err) // it is of the suite's own group
	}
	return b
}

// Value is the function of one identifier, as it is kept of those who may be found.
func (a *Answerer) Value(id Identifier) (Value, error) {
	in, err := id.input()
	if err != nil {
		return Value{}, err
	}
	out, err := a.server.FullEvaluate(in)
	if err != nil {
		return Value{}, fmt.Errorf("lookup: %w", err)
	}
	return split(out)
}

// Evaluate answers a question of 1 to Most blinded identifiers, each of ElementSize
// bytes: as many of the same size, and a proof of ProofSize bytes for all.
// ErrMalformed: they are not elements of the group.
func (a *Answerer) Evaluate(blinded [][]byte) (evaluated [][]byte, proof []byte, err error) {
	if len(blinded) == 0 || len(blinded) > Most {
		return nil, nil, ErrMalformed
	}
	elements, err := elementsOf(blinded)
	if err != nil {
		return nil, nil, err
	}
	answer, err := a.server.Evaluate(&oprf.EvaluationRequest{Elements: elements})
	if err != nil {
		return nil, nil, fmt.Errorf("lookup: %w", err)
	}
	if proof, err = answer.Proof.MarshalBinary(); err != nil {
		return nil, nil, fmt.Errorf("lookup: %w", err)
	}
	evaluated, err = bytesOf(answer.Elements)
	return evaluated, proof, err
}

// Asker is a question until it is answered.
type Asker struct {
	client oprf.VerifiableClient
	kept   *oprf.FinalizeData
	sent   [][]byte
}

// Ask blinds 1 to Most identifiers for the hub that publishes the key, anew each time:
// nobody can tell two questions about one person from questions about two.
func Ask(publicKey []byte, ids []Identifier) (*Asker, error) {
	if len(ids) == 0 || len(ids) > Most {
		return nil, fmt.Errorf("lookup: ask about 1 to %d identifiers at a time", Most)
	}
	inputs := make([][]byte, len(ids))
	for i, id := range ids {
		var err error
		if inputs[i], err = id.input(); err != nil {
			return nil, err
		}
	}
	return ask(publicKey, func(c oprf.VerifiableClient) (*oprf.FinalizeData, *oprf.EvaluationRequest, error) {
		return c.Blind(inputs)
	})
}

func ask(publicKey []byte, blind func(oprf.VerifiableClient) (*oprf.FinalizeData, *oprf.EvaluationRequest, error)) (*Asker, error) {
	key := new(oprf.PublicKey)
	element := suite.Group().NewElement()
	if err := element.UnmarshalBinary(publicKey); err != nil || element.IsIdentity() {
		return nil, ErrMalformed
	}
	if err := key.UnmarshalBinary(suite, publicKey); err != nil {
		return nil, ErrMalformed
	}
	a := &Asker{client: oprf.NewVerifiableClient(suite, key)}
	kept, request, err := blind(a.client)
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	a.kept = kept
	a.sent, err = bytesOf(request.Elements)
	return a, err
}

// Blinded is what is sent to the other hub, in the order of the identifiers.
func (a *Asker) Blinded() [][]byte { return a.sent }

// Values are the function's values of the identifiers asked about, in their order.
// ErrProof: they are not; ErrMalformed: what came back is nothing of the sort.
func (a *Asker) Values(evaluated [][]byte, proof []byte) ([]Value, error) {
	if len(evaluated) != len(a.sent) || len(proof) != ProofSize {
		return nil, ErrMalformed
	}
	elements, err := elementsOf(evaluated)
	if err != nil {
		return nil, err
	}
	p := new(dleq.Proof)
	if err := p.UnmarshalBinary(suite.Group(), proof); err != nil {
		return nil, ErrMalformed
	}
	out, err := a.client.Finalize(a.kept, &oprf.Evaluation{Elements: elements, Proof: p})
	switch {
	case errors.Is(err, oprf.ErrInvalidProof):
		return nil, ErrProof
	case err != nil:
		return nil, ErrMalformed
	}
	values := make([]Value, len(out))
	for i, o := range out {
		if values[i], err = split(o); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func elementsOf(all [][]byte) ([]oprf.Blinded, error) {
	elements := make([]oprf.Blinded, len(all))
	for i, b := range all {
		e := suite.Group().NewElement()
		if len(b) != ElementSize || e.UnmarshalBinary(b) != nil || e.IsIdentity() {
			return nil, ErrMalformed
		}
		elements[i] = e
	}
	return elements, nil
}

func bytesOf(elements []oprf.Evaluated) ([][]byte, error) {
	all := make([][]byte, len(elements))
	for i, e := range elements {
		b, err := e.MarshalBinaryCompress()
		if err != nil {
			return nil, fmt.Errorf("lookup: %w", err)
		}
		all[i] = b
	}
	return all, nil
}

// Tag finds somebody's row. It tells nothing to whoever does not know the value.
type Tag [TagSize]byte

// Prefix is the first bits of a tag, at most MostPrefix: what is asked for.
func (t Tag) Prefix(bits int) uint32 {
	return binary.BigEndian.Uint32(t[:4]) >> (32 - min(max(bits, 1), MostPrefix))
}

// Value is the function of one identifier: a tag, and the key to what is said under it.
type Value struct {
	Tag Tag
	key [32]byte
}

func split(output []byte) (v Value, err error) {
	b, err := hkdf.Expand(sha512.New, output, "fame look-up 1 tag and key", len(v.Tag)+len(v.key))
	if err != nil {
		return v, fmt.Errorf("lookup: %w", err)
	}
	copy(v.Tag[:], b)
	copy(v.key[:], b[len(v.Tag):])
	return v, nil
}

// ValueSize is how many bytes a value has when it is kept.
const ValueSize = TagSize + 32

// Bytes is the value to be kept, as secret as what it opens.
func (v Value) Bytes() []byte { return slices.Concat(v.Tag[:], v.key[:]) }

// ValueOf is the value of Bytes. ErrMalformed: it is not of its size.
func ValueOf(b []byte) (v Value, err error) {
	if len(b) != ValueSize {
		return v, ErrMalformed
	}
	copy(v.Tag[:], b)
	copy(v.key[:], b[TagSize:])
	return v, nil
}

func (v Value) aead() cipher.AEAD {
	block, err := aes.NewCipher(v.key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

// Row is what is said under a tag, of RowSize bytes: the tag, a nonce, and the
// content, filled up and sealed.
type Row []byte

// Row seals at most ContentSize bytes for whoever knows the value. It is a new one each time.
func (v Value) Row(content []byte) (Row, error) {
	if len(content) > ContentSize {
		return nil, fmt.Errorf("lookup: a row holds %d bytes", ContentSize)
	}
	plain := binary.BigEndian.AppendUint16(nil, uint16(len(content)))
	plain = append(plain, content...)
	plain = append(plain, make([]byte, 2+ContentSize-len(plain))...)
	row := append(make(Row, 0, RowSize), v.Tag[:]...)
	row = row[:TagSize+nonceSize]
	if _, err := rand.Read(row[TagSize:]); err != nil {
		return nil, err
	}
	return v.aead().Seal(row, row[TagSize:], plain, v.Tag[:]), nil
}

// Bucket is what goes back to whoever asked for a prefix: the rows, and as many of
// nobody as make the number of all of them a multiple of size, one at least, in the
// order of their tags. The number says no more than that.
func Bucket(prefix uint32, bits, size int, rows []Row) ([]Row, error) {
	all := slices.Clone(rows)
	for len(all) == 0 || len(all)%size != 0 {
		nobody := make(Row, RowSize)
		if _, err := rand.Read(nobody); err != nil {
			return nil, err
		}
		first := binary.BigEndian.Uint32(nobody)
		bits := min(max(bits, 1), MostPrefix)
		binary.BigEndian.PutUint32(nobody, prefix<<(32-bits)|first&(1<<(32-bits)-1))
		all = append(all, nobody)
	}
	slices.SortFunc(all, func(a, b Row) int { return slices.Compare(a, b) })
	return all, nil
}

// Open is what a bucket says of the person whose value this is, and whether it says
// anything. Rows that are not of the right size, or do not open, are of nobody.
func (v Value) Open(bucket []Row) ([]byte, bool) {
	for _, row := range bucket {
		if len(row) != RowSize || Tag(row[:TagSize]) != v.Tag {
			continue
		}
		plain, err := v.aead().Open(nil, row[TagSize:TagSize+nonceSize], row[TagSize+nonceSize:], v.Tag[:])
		if err != nil {
			continue
		}
		if n := int(binary.BigEndian.Uint16(plain)); n <= ContentSize {
			return plain[2 : 2+n], true
		}
	}
	return nil, false
}
