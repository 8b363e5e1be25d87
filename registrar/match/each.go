package match

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// each runs do over 0..n in pieces of size chunk, on all processors.
func each(n, chunk int, do func(from, to int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) {
		wg.Go(func() {
			for {
				from := int(next.Add(int64(chunk))) - chunk
				if from >= n {
					return
				}
				do(from, min(from+chunk, n))
			}
		})
	}
	wg.Wait()
}
