//go:build !linux

package api

import "time"

func preciseSleep(d time.Duration) { time.Sleep(d) }
