package hubtest

import (
	"bytes"
	"net/http"
	"net/http/httputil"
	"sync"
)

// Exchange is one request and its answer as they went over the wire, headers
// and all.
type Exchange struct {
	Sent, Received []byte
	Status         int
}

// Wire is a way to the hub that keeps all that goes over it. It is safe for
// concurrent use.
type Wire struct {
	way http.RoundTripper
	mu  sync.Mutex
	all []Exchange
}

// NewWire makes a way of its own, with no connection of another's.
func NewWire() *Wire { return &Wire{way: &http.Transport{MaxIdleConnsPerHost: 16}} }

// RoundTrip is http.RoundTripper's.
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := httputil.DumpRequestOut(req, true)
	if err != nil {
		return nil, err
	}
	resp, err := w.way.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	received, err := httputil.DumpResponse(resp, true)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, Exchange{sent, received, resp.StatusCode})
	return resp, nil
}

// All is what has gone over the wire.
func (w *Wire) All() []Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Exchange(nil), w.all...)
}

// Received is every byte that came back.
func (w *Wire) Received() []byte {
	var b bytes.Buffer
	for _, e := range w.All() {
		b.Write(e.Received)
		b.WriteByte('\n')
	}
	return b.Bytes()
}
