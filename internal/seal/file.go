package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"filippo.io/age"
)

// File is the default provider: one file, encrypted with age to the X25519
// recipient of an identity file, rewritten whole for every change. It is for
// Unix systems and local file systems.
//
// It protects against whoever gets the database, a backup of the key file, or
// the disk without the identity file: keep the identity apart from both.
// It does not protect against root, against whoever runs code as the same user,
// or against a dump or a swapped page of the process's memory, where the keys
// are in clear; nor can it reach what destroyed keys left on the disk's free
// blocks and in backups.
//
// Any number of processes may use one file: changes are made under a lock
// beside it, a key that another process made is found when it is asked for, and
// one that another destroyed is gone here within a second. A process that was
// killed in the middle leaves the old file or the new one. If the file cannot be
// read any more, or no longer holds a key that this process knows, every
// method fails until it is put right.
type File struct {
	path     string
	identity *age.X25519Identity

	mu    sync.Mutex // held to replace state; never while waiting for the file lock
	state atomic.Pointer[state]

	beforeRename func() // tests kill the process here
}

var _ Provider = (*File)(nil)

// state is what was last read from the file. It does not change.
type state struct {
	ring  *ring // the last good content, also if err is set
	stamp stamp
	read  time.Time
	err   error
}

// stamp changes whenever the file does: each version has an inode of its own.
type stamp struct {
	dev, ino, size uint64
	modified       time.Time
}

const (
	// recheck is how long a state is used before the file is looked at again.
	recheck     = time.Second
	maxFileSize = 64 << 20
	lockPoll    = 2 * time.Millisecond
)

// CreateFile makes a key file that holds no key yet, and opens it. The identity
// file is made too unless it is there; an existing key file is never touched.
// Where a database already rests on keys, restore their file instead: Confirm
// refuses the new one.
func CreateFile(path, identityPath string) (*File, error) {
	identity, err := readIdentity(identityPath)
	if errors.Is(err, fs.ErrNotExist) {
		identity, err = makeIdentity(identityPath)
	}
	if err != nil {
		return nil, err
	}
	f := newFile(path, identity)
	unlock, err := f.lock(context.Background())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("seal: the key file %q is there already: open it, or choose another path: %w", path, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := f.write(&ring{}); err != nil {
		return nil, err
	}
	return f, f.refresh().err
}

// OpenFile opens a key file. Both files must be regular ones with mode 0600,
// owned by the user that runs the process.
func OpenFile(path, identityPath string) (*File, error) {
	identity, err := readIdentity(identityPath)
	if err != nil {
		return nil, err
	}
	f := newFile(path, identity)
	if err := f.refresh().err; err != nil {
		return nil, err
	}
	return f, nil
}

func newFile(path string, identity *age.X25519Identity) *File {
	f := &File{path: path, identity: identity, beforeRename: func() {}}
	f.state.Store(&state{ring: &ring{}})
	return f
}

// Format writes the file's path, whatever the verb.
func (f *File) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// String returns the file's path.
func (f *File) String() string { return "key file " + f.path }

// LogValue returns the file's path.
func (f *File) LogValue() slog.Value { return slog.StringValue(f.String()) }

// Ensure implements Provider.
func (f *File) Ensure(ctx context.Context, id KeyID, kind KeyKind) ([]byte, bool, error) {
	if !id.valid() {
		return nil, false, ErrKeyID
	}
	if !kind.valid() {
		return nil, false, about(id, ErrKind)
	}
	k, err := f.get(id, kind)
	if !errors.Is(err, ErrNoKey) || errors.Is(err, ErrDestroyed) {
		return k.checkValue(), false, err
	}
	created := false
	err = f.change(ctx, func(r *ring) (*ring, error) {
		if k, err = r.get(id, kind); !errors.Is(err, ErrNoKey) || errors.Is(err, ErrDestroyed) {
			return nil, err
		}
		if k, err = newKey(kind); err != nil {
			return nil, err
		}
		created = true
		return r.with(id, k), nil
	})
	if err != nil {
		return nil, false, err
	}
	return k.checkValue(), created, nil
}

// Destroy implements Provider.
func (f *File) Destroy(ctx context.Context, id KeyID) error {
	return f.change(ctx, func(r *ring) (*ring, error) {
		switch _, err := r.get(id, ""); {
		case errors.Is(err, ErrDestroyed):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return r.without(id), nil
	})
}

// Check implements Provider.
func (f *File) Check(_ context.Context, id KeyID) ([]byte, error) {
	k, err := f.get(id, "")
	return k.checkValue(), err
}

// MAC implements Provider.
func (f *File) MAC(_ context.Context, id KeyID, msg []byte) (sum [32]byte, err error) {
	k, err := f.get(id, KindMAC)
	if err != nil {
		return sum, err
	}
	mac := hmac.New(sha256.New, k.secret()[:])
	mac.Write(msg)
	mac.Sum(sum[:0])
	return sum, nil
}

// Wrap implements Provider.
func (f *File) Wrap(_ context.Context, id KeyID, aad []byte, dek DEK) ([]byte, error) {
	if dek.IsZero() || len(aad) == 0 {
		return nil, ErrUsage
	}
	k, err := f.get(id, KindWrap)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 1, sealOverhead+32)
	out[0] = sealVersion
	return k.aead().Seal(out, nil, dek.key()[:], joined(wrapDomain, []byte(id), aad)), nil
}

// Unwrap implements Provider.
func (f *File) Unwrap(_ context.Context, id KeyID, aad, wrapped []byte) (DEK, error) {
	if len(aad) == 0 {
		return DEK{}, ErrUsage
	}
	k, err := f.get(id, KindWrap)
	if err != nil {
		return DEK{}, err
	}
	if len(wrapped) != sealOverhead+32 || wrapped[0] != sealVersion {
		return DEK{}, about(id, ErrOpen)
	}
	raw, err := k.aead().Open(nil, nil, wrapped[1:], joined(wrapDomain, []byte(id), aad))
	if err != nil {
		return DEK{}, about(id, ErrOpen)
	}
	return DEK{key: hide([32]byte(raw))}, nil
}

// Signer implements Provider.
func (f *File) Signer(_ context.Context, id KeyID) (crypto.Signer, error) {
	k, err := f.get(id, KindSign)
	if err != nil {
		return nil, err
	}
	return k.signer, nil
}

// NoteSigner implements Provider.
func (f *File) NoteSigner(_ context.Context, id KeyID) (crypto.Signer, error) {
	k, err := f.get(id, KindNote)
	if err != nil {
		return nil, err
	}
	return k.noter, nil
}

// Public implements Provider.
func (f *File) Public(_ context.Context, id KeyID) (*ecdsa.PublicKey, error) {
	k, err := f.get(id, KindSign)
	if err != nil {
		return nil, err
	}
	return &k.signer.key.PublicKey, nil
}

// Agree implements Provider.
func (f *File) Agree(_ context.Context, id KeyID, other *ecdh.PublicKey) (shared [32]byte, err error) {
	if other == nil {
		return shared, ErrUsage
	}
	k, err := f.get(id, KindAgree)
	if err != nil {
		return shared, err
	}
	z, err := k.agree().ECDH(other)
	if err != nil || len(z) != len(shared) {
		return shared, ErrUsage
	}
	return [32]byte(z), nil
}

// AgreeKey implements Provider.
func (f *File) AgreeKey(_ context.Context, id KeyID) (*ecdh.PublicKey, error) {
	k, err := f.get(id, KindAgree)
	if err != nil {
		return nil, err
	}
	return k.agree().PublicKey(), nil
}

func (k *key) checkValue() []byte {
	if k == nil {
		return nil
	}
	return bytes.Clone(k.check[:])
}

// get returns a key of the kind, looking at the file again if what is in
// memory is old or does not hold the key.
func (f *File) get(id KeyID, kind KeyKind) (*key, error) {
	s := f.state.Load()
	if time.Since(s.read) > recheck {
		s = f.refreshOlder(s)
	}
	if s.err != nil {
		return nil, s.err
	}
	k, err := s.ring.get(id, kind)
	if errors.Is(err, ErrNoKey) && !errors.Is(err, ErrDestroyed) && id.valid() {
		if s = f.refreshOlder(s); s.err != nil {
			return nil, s.err
		}
		k, err = s.ring.get(id, kind)
	}
	return k, err
}

// refreshOlder refreshes unless another goroutine has since s was loaded.
func (f *File) refreshOlder(s *state) *state {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.state.Load(); now != s {
		return now
	}
	return f.refreshLocked()
}

func (f *File) refresh() *state {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refreshLocked()
}

// refreshLocked reads the file if it changed and stores the result, good or bad.
func (f *File) refreshLocked() *state {
	old := f.state.Load()
	next := &state{ring: old.ring, stamp: old.stamp, read: time.Now()}
	file, st, err := openPrivate(f.path, "key file")
	if err != nil {
		next.err, next.stamp = err, stamp{}
		f.state.Store(next)
		return next
	}
	defer func() { _ = file.Close() }()
	if old.err != nil || st != old.stamp {
		r, err := f.decrypt(file)
		if err == nil {
			err = r.follows(old.ring)
		}
		if next.err = err; err == nil {
			next.ring, next.stamp = r, st
		}
	}
	f.state.Store(next)
	return next
}

func (f *File) decrypt(src io.Reader) (*ring, error) {
	plain, err := age.Decrypt(src, f.identity)
	if err != nil {
		return nil, fmt.Errorf("seal: the key file %q does not open with this identity: use the identity it was made with: %w", f.path, err)
	}
	b, err := io.ReadAll(io.LimitReader(plain, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("seal: the key file %q is damaged: restore it from a backup: %w", f.path, err)
	}
	defer clear(b)
	if len(b) > maxFileSize {
		return nil, errKeyFile
	}
	return parseRing(b)
}

// change replaces the file's content by what edit makes of it, under the file
// lock. An edit that returns nil and no error leaves the file as it is.
func (f *File) change(ctx context.Context, edit func(*ring) (*ring, error)) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s := f.refresh()
	if s.err != nil {
		return s.err
	}
	next, err := edit(s.ring)
	if err != nil || next == nil {
		return err
	}
	if err := f.write(next); err != nil {
		return err
	}
	return f.refresh().err
}

// write replaces the file durably: the old content stays until the new is on
// the disk. The caller holds the lock, so a temporary file that is there was
// left by a process that died.
func (f *File) write(r *ring) error {
	plain, err := r.encode()
	if err != nil {
		return err
	}
	defer clear(plain)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, f.identity.Recipient())
	if err != nil {
		return err
	}
	if _, err := w.Write(plain); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	temp := f.path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(temp, sealed.Bytes()); err != nil {
		return err
	}
	f.beforeRename()
	if err := os.Rename(temp, f.path); err != nil {
		return err
	}
	return syncDir(f.path)
}

// lock takes the lock beside the file, or gives up with ctx. The lock is the
// kernel's: it ends with the process that holds it.
func (f *File) lock(ctx context.Context) (unlock func(), err error) {
	l, err := os.OpenFile(f.path+".lock", os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("seal: cannot lock the key file: make its directory writable by this user: %w", err)
	}
	for {
		err := syscall.Flock(int(l.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = l.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = l.Close()
			return nil, fmt.Errorf("seal: cannot lock the key file: keep it on a local file system: %w", err)
		}
		select {
		case <-ctx.Done():
			_ = l.Close()
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

func readIdentity(path string) (*age.X25519Identity, error) {
	file, _, err := openPrivate(path, "identity file")
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	ids, err := age.ParseIdentities(io.LimitReader(file, 64<<10))
	if err == nil && len(ids) == 1 {
		if id, ok := ids[0].(*age.X25519Identity); ok {
			return id, nil
		}
	}
	// The cause is left out: it may quote the file.
	return nil, fmt.Errorf("seal: the identity file %q must hold one X25519 identity: make one with age-keygen", path)
}

func makeIdentity(path string) (*age.X25519Identity, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, []byte(id.String()+"\n")); err != nil {
		return nil, err
	}
	return id, syncDir(path)
}

// openPrivate opens a regular file that only the running user can read. What
// it checks is what it opened.
func openPrivate(path, what string) (*os.File, stamp, error) {
	refuse := func(format string, args ...any) (*os.File, stamp, error) {
		return nil, stamp{}, fmt.Errorf("seal: the "+what+" %q "+format, append([]any{path}, args...)...)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return refuse("is a symbolic link: name the file itself")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return refuse("is not there: restore it from a backup, or create it: %w", fs.ErrNotExist)
	}
	if err != nil {
		return refuse("cannot be opened: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return refuse("cannot be examined: %w", err)
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.Mode().IsRegular():
		_ = file.Close()
		return refuse("is not a regular file: name the file itself")
	case int64(sys.Uid) != int64(os.Geteuid()):
		_ = file.Close()
		return refuse("belongs to another user: make the user that runs this program its owner")
	case info.Mode() != 0o600:
		_ = file.Close()
		return refuse("has mode %#o: run chmod 600 on it, and replace the keys if others could read it", info.Mode().Perm())
	}
	return file, stamp{uint64(sys.Dev), sys.Ino, uint64(info.Size()), info.ModTime()}, nil
}

// writeNew writes a file that must not be there yet, mode 0600, to the disk.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close())
}

// syncDir makes the directory entry of path durable.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
