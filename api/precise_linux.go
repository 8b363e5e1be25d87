package api

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A clock is a timer of the kernel that is waited for as a socket is: it takes no
// thread, and a quarter of the processor that nanosleep takes.
type clock struct {
	file *os.File
	fd   int
}

// clocks that nobody waits for; the runtime closes what it drops.
var clocks = sync.Pool{New: func() any {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return (*clock)(nil)
	}
	return &clock{os.NewFile(uintptr(fd), "timerfd"), fd}
}}

// preciseSleep sleeps as time.Sleep does, and wakes within some fifty
// microseconds. Where the process has no descriptor left it is time.Sleep.
func preciseSleep(d time.Duration) {
	if d <= 0 {
		return
	}
	c := clocks.Get().(*clock)
	if c == nil {
		time.Sleep(d)
		return
	}
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(c.fd, 0, &once, nil); err != nil {
		time.Sleep(d)
		return
	}
	var times [8]byte
	if _, err := c.file.Read(times[:]); err != nil {
		time.Sleep(d)
		return
	}
	clocks.Put(c)
}
