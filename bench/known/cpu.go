package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ownCPU is what this process has used of the processors.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// database is a PostgreSQL, as a tree of processes.
type database struct{ postmaster int }

func newDatabase(dir string) (*database, error) {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	return &database{pid}, err
}

// cpu is what PostgreSQL's processes have used, those that have ended too; 0
// where the system has no /proc.
func (d *database) cpu() (sum time.Duration) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		s, err := readStat(path)
		switch {
		case err != nil: // it has ended since
		case s.pid == d.postmaster:
			sum += s.own + s.children
		case s.parent == d.postmaster:
			sum += s.own
		}
	}
	return sum
}

// stat is what /proc/PID/stat says of a process.
type stat struct {
	pid, parent   int
	own, children time.Duration // children: those that have ended and were waited for
}

func readStat(path string) (stat, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// tick is USER_HZ, the same on every Linux.
const tick = 10 * time.Millisecond

// parseStat reads past the program's name, which may hold anything.
func parseStat(text string) (s stat, err error) {
	pid, _, _ := strings.Cut(text, " ")
	rest := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(rest) < 15 {
		return stat{}, fmt.Errorf("a line of /proc has %d fields", len(rest))
	}
	if s.pid, err = strconv.Atoi(pid); err != nil {
		return stat{}, err
	}
	if s.parent, err = strconv.Atoi(rest[1]); err != nil {
		return stat{}, err
	}
	for at, into := range map[int]*time.Duration{11: &s.own, 12: &s.own, 13: &s.children, 14: &s.children} {
		n, err := strconv.ParseInt(rest[at], 10, 64)
		if err != nil {
			return stat{}, err
		}
		*into += time.Duration(n) * tick
	}
	return s, nil
}
