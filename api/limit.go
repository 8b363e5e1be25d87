package api

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"golang.org/x/time/rate"
)

// limits counts requests per client: a bucket that fills at a rate per minute
// and holds a fifth of it. What is forgotten for lack of room starts full.
type limits[K comparable] struct {
	buckets *lru[K, *rate.Limiter]
}

func newLimits[K comparable](clients int) *limits[K] {
	return &limits[K]{newLRU[K, *rate.Limiter](clients)}
}

// take counts one request of the client, or refuses it as RateLimited with the
// time to wait. A changed rate holds from the next request on.
func (l *limits[K]) take(client K, perMinute int, now time.Time) error {
	every, burst := rate.Limit(float64(perMinute)/60), max(perMinute/5, 1)
	bucket := l.buckets.getOrPut(client, func() *rate.Limiter { return rate.NewLimiter(every, burst) })
	if bucket.Limit() != every || bucket.Burst() != burst {
		bucket.SetLimitAt(now, every)
		bucket.SetBurstAt(now, burst)
	}
	turn := bucket.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	turn.CancelAt(now)
	f := fault.New(fault.RateLimited, "wait until Retry-After is over, then send the request again")
	f.RetryAfter = wait
	return f
}

// AddressOf is whom an unauthenticated request is counted for: an IPv4
// address, or the 64 bits of an IPv6 one that a subscriber is given.
// Forwarding headers are not believed, since anybody can send them.
func AddressOf(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 64
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // bits fit the address
	return p
}
