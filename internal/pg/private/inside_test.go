package private

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMajorOf(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": 15,
		"postgres (PostgreSQL) 19beta1":                        19,
		"postgres (PostgreSQL) 17":                             17,
		"postgres (PostgreSQL) x":                              0,
		"postgresql 15":                                        0,
		"":                                                     0,
	} {
		if got := majorOf(says); got != want {
			t.Errorf("majorOf(%q) is %d, want %d", says, got, want)
		}
	}
}

func TestDataOfAnotherMajorSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := findBinaries(t.Context(), data)
	if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "install -y postgresql-99") {
		t.Errorf("got %v, want what to install", err)
	}
}

// TestOrphanIsStoppedFirst forgets a server without stopping it, as a killed
// parent does where the system cannot tell its children.
func TestOrphanIsStoppedFirst(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "fame-orphan-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	orphan, err := Start(t.Context(), Config{Dir: dir, Fast: true})
	if errors.Is(err, ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	orphan.lock.Close()
	s, err := Start(t.Context(), Config{Dir: dir, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-orphan.Done():
	default:
		t.Error("the orphan still runs")
	}
	s.lock.Close()
	if err := Halt(dir); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(hardLimit):
		t.Error("Halt left the orphan running")
	}
}

func TestEndSparesWhatHasEnded(t *testing.T) {
	t.Parallel()
	asked := 0
	err := end(os.Getpid(), func(time.Duration) bool { asked++; return true })
	if err != nil || asked != 1 {
		t.Errorf("asked %d times (%v), want once and no signal", asked, err)
	}
}

func TestVersionSaysWhich(t *testing.T) {
	t.Parallel()
	says, err := Version(context.Background())
	if errors.Is(err, ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil || majorOf(says) < oldest {
		t.Errorf("got %q, %v", says, err)
	}
}
