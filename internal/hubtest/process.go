package hubtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Log is everything that processes have written. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps b.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

// Bytes is a copy of all that was written.
func (l *Log) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.text)
}

// end is the last lines, for a failure.
func (l *Log) end() string {
	lines := strings.Split(strings.TrimSpace(string(l.Bytes())), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// Process is a program that can be started, killed and started again.
type Process struct {
	Name string
	// URL is where it serves; empty for a program that does not.
	URL string
	Log *Log

	command func() *exec.Cmd

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when this life is over
	err  error         // of this life, once done
}

// start begins a life of the process. The kernel ends a child with the thread
// that started it, so that thread waits for it.
func (p *Process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd, done, started := p.command(), make(chan struct{}), make(chan error)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.Log, p.Log, dieWithParent()
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	p.cmd, p.done = cmd, done
	return nil
}

// Start starts the process and waits until it is ready for requests.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	p.Begin(t)
	p.WaitReady(t)
}

// Begin starts the process and does not wait.
func (p *Process) Begin(t testing.TB) {
	t.Helper()
	if err := p.start(); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
}

// WaitReady waits until /readyz says so.
func (p *Process) WaitReady(t testing.TB) {
	t.Helper()
	Eventually(t, p.Name+" is ready", func() error {
		select {
		case <-p.done:
			t.Fatalf("%s ended (%v):\n%s", p.Name, p.err, p.Log.end())
		default:
		}
		status, body, err := get(t.Context(), p.URL+"/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, body)
		}
		return err
	})
}

// Readyz is the process's own word on whether it is ready.
func (p *Process) Readyz(t testing.TB) (int, string) {
	t.Helper()
	status, body, err := get(t.Context(), p.URL+"/readyz")
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return status, body
}

func get(ctx context.Context, url string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// Kill ends the process as kill -9 does, and waits until it is gone.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if err := p.signal(syscall.SIGKILL); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
}

// Stop ends the process as its operator would, and wants an orderly end.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	if p.err != nil {
		t.Fatalf("%s did not end in order: %v:\n%s", p.Name, p.err, p.Log.end())
	}
}

// signal sends one and waits for the end; it kills what does not end.
func (p *Process) signal(sig os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	cmd, done := p.cmd, p.done
	p.cmd = nil
	select {
	case <-done:
		return errors.New("had already ended:\n" + p.Log.end())
	default:
	}
	if err := cmd.Process.Signal(sig); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-time.After(limit):
		err := cmd.Process.Kill()
		<-done
		return errors.Join(fmt.Errorf("did not end within %v of %v", limit, sig), err)
	}
}

// Outcome is how a command ended.
type Outcome struct {
	Code           int
	Stdout, Stderr string
}

// Fame runs the fame tool to its end, with input on its standard input. The
// environment has nothing of this process's FAME_ variables.
func Fame(t testing.TB, input string, args ...string) Outcome {
	t.Helper()
	prepare(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program("fame"), args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment(), strings.NewReader(input), &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("fame %s: %v (%v)", args[0], err, ctx.Err())
	}
	return Outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// FameCommand is the fame tool, ready to be started and killed.
func FameCommand(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	prepare(t)
	cmd := exec.CommandContext(t.Context(), program("fame"), args...)
	cmd.Env = environment()
	return cmd
}

// FameProcess is the fame tool as a process that goes on, such as `fame up`;
// url is where it will serve. Start it.
func FameProcess(t testing.TB, url string, args ...string) *Process {
	t.Helper()
	prepare(t)
	return newProcess("fame", url, func() *exec.Cmd { return exec.Command(program("fame"), args...) })
}

func newProcess(name, url string, command func() *exec.Cmd) *Process {
	p := &Process{Name: name, URL: url, Log: new(Log), command: func() *exec.Cmd {
		cmd := command()
		cmd.Env = environment()
		return cmd
	}}
	atEnd(func() { _ = p.signal(syscall.SIGTERM) })
	run.mu.Lock()
	defer run.mu.Unlock()
	run.processes = append(run.processes, p)
	return p
}

// environment is this process's, without what would steer the tool elsewhere.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "FAME_") && !strings.HasPrefix(kv, "PG") {
			env = append(env, kv)
		}
	}
	return env
}
