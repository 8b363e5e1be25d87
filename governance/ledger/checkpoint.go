package ledger

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"strconv"
	"strings"

	f_log "github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fame-hub/fame/internal/seal"
)

// LogKey is the key that signs checkpoints. New makes it for a log that has no
// checkpoint yet; where there is one and the key is missing, the key file is
// not the one that belongs to the database.
const LogKey seal.KeyID = "note/log/1"

// Prefix is where a hub serves its log.
const Prefix = "/log/v1"

// OriginOf is the name of a hub's log, and of the key that signs it: its URL
// without the scheme, as C2SP has it.
func OriginOf(hub string) string {
	_, bare, ok := strings.Cut(hub, "://")
	if !ok {
		bare = hub
	}
	return strings.TrimRight(bare, "/") + Prefix
}

// VerifierKey is the public key of a hub's log in the form of C2SP signed-note:
// what whoever checks this log is given.
func VerifierKey(ctx context.Context, keys seal.Provider, hub string) (string, error) {
	s, err := newNoteSigner(ctx, keys, LogKey, OriginOf(hub))
	if err != nil {
		return "", err
	}
	return s.vkey, nil
}

// noteSigner signs notes with a key that stays in its provider.
type noteSigner struct {
	note.Verifier
	vkey string
	sign func(msg []byte) ([]byte, error)
}

func newNoteSigner(ctx context.Context, keys seal.Provider, id seal.KeyID, name string) (*noteSigner, error) {
	key, err := keys.NoteSigner(ctx, id)
	if err != nil {
		return nil, err
	}
	vkey, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err // the name has a space or a plus in it
	}
	return &noteSigner{v, vkey, func(msg []byte) ([]byte, error) { return key.Sign(nil, msg, crypto.Hash(0)) }}, nil
}

// Sign is note.Signer's.
func (s *noteSigner) Sign(msg []byte) ([]byte, error) { return s.sign(msg) }

// A checkpoint is what a signed note says of a tree.
type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

var errCheckpoint = errors.New("ledger: not a checkpoint: see C2SP tlog-checkpoint")

// text is the body of the note.
func (c checkpoint) text() string {
	return string(f_log.Checkpoint{Origin: c.origin, Size: uint64(c.size), Hash: c.root[:]}.Marshal())
}

// parseCheckpoint reads the body of a note, in its one form: no leading zeros,
// a root of 32 bytes. Extension lines are permitted and not read.
func parseCheckpoint(text string) (checkpoint, error) {
	var in f_log.Checkpoint
	rest, err := in.Unmarshal([]byte(text))
	if err != nil || len(in.Hash) != hashSize || in.Size >= 1<<62 {
		return checkpoint{}, errCheckpoint
	}
	c := checkpoint{in.Origin, int64(in.Size), tlog.Hash(in.Hash)}
	extensions, ok := strings.CutPrefix(text, c.text())
	if !ok || extensions != string(rest) || extensions != "" &&
		(!strings.HasSuffix(extensions, "\n") || bytes.HasPrefix(rest, []byte("\n")) || strings.Contains(extensions, "\n\n")) {
		return checkpoint{}, errCheckpoint
	}
	return c, nil
}

// open reads a signed checkpoint of a log, by the one key that signs it.
func open(signed string, origin string, v note.Verifier) (checkpoint, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return checkpoint{}, err
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return checkpoint{}, err
	}
	if c.origin != origin {
		return checkpoint{}, errors.New("ledger: the checkpoint is of the log " + strconv.Quote(c.origin))
	}
	return c, nil
}

// signNote signs the body of a note.
func signNote(text string, by note.Signer) (string, error) {
	signed, err := note.Sign(&note.Note{Text: text}, by)
	return string(signed), err
}
