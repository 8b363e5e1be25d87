package api

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
)

func TestLRUForgetsWhatWasUsedLongestAgo(t *testing.T) {
	t.Parallel()
	l := newLRU[string, int](2)
	l.put("a", 1)
	l.put("b", 2)
	l.get("a")
	l.put("c", 3)
	if _, ok := l.get("b"); ok || l.len() != 2 {
		t.Error("b was used longest ago and is still there")
	}
	if v, ok := l.get("a"); !ok || v != 1 {
		t.Error("a was used and is gone")
	}
	l.put("a", 9)
	l.drop("c")
	if got := l.getOrPut("a", func() int { return 0 }); got != 9 || l.len() != 1 {
		t.Errorf("got %d of %d", got, l.len())
	}
}

func TestLimitsHoldABurstOfAFifthAndSayWhenToComeBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	l := newLimits[string](10)
	for range 12 {
		if err := l.take("jo", 60, now); err != nil {
			t.Fatal(err)
		}
	}
	err := l.take("jo", 60, now)
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.RateLimited || f.RetryAfter != time.Second {
		t.Fatalf("got %v", err)
	}
	if err := l.take("sam", 60, now); err != nil {
		t.Errorf("another client pays for it: %v", err)
	}
	if err := l.take("jo", 60, now.Add(time.Second)); err != nil {
		t.Errorf("after RetryAfter: %v", err)
	}
	if err := l.take("jo", 6000, now.Add(2*time.Second)); err != nil {
		t.Errorf("after a raised rate: %v", err)
	}
}

func TestAddressOfKeepsASubscriberTogether(t *testing.T) {
	t.Parallel()
	of := func(remote string) string { return AddressOf(&http.Request{RemoteAddr: remote}).String() }
	if a, b := of("[2001:db8:1:2::3]:1"), of("[2001:db8:1:2:ffff::9]:2"); a != b {
		t.Errorf("one subscriber counts as two: %s %s", a, b)
	}
	if a, b := of("192.0.2.1:1"), of("[::ffff:192.0.2.1]:2"); a != b || a == of("192.0.2.2:1") {
		t.Errorf("%s %s", a, b)
	}
	_ = of("@") // a socket has no address
}
