package registrar

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// meter measures recognitions against what the registrar undertakes (REG-20). It
// counts by register alone, not by outcome: who is registered must not show.
type meter struct {
	latency *prometheus.HistogramVec
	failed  *prometheus.CounterVec
	shares  *prometheus.GaugeVec // of recall

	mu     sync.Mutex
	recent map[ident.Register][]sample // the last remembered
	recall map[ident.Register][]Recall // as it was measured last
}

// sample is one recognition.
type sample struct {
	took   time.Duration
	failed bool
}

// remembered is how many recognitions of a register quality is told of.
const remembered = 1000

func newMeter(r prometheus.Registerer) (*meter, error) {
	m := &meter{
		recent: map[ident.Register][]sample{},
		recall: map[ident.Register][]Recall{},
		shares: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fame_registrar_recall_share", Help: "The share of a register's own people whom it determines, to the nearest tenth: by what is left out, and by the script of the name.",
		}, []string{"register", "of"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fame_registrar_recognition_seconds", Help: "How long recognitions took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"register"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fame_registrar_recognition_failures_total", Help: "Recognitions that the registrar could not answer.",
		}, []string{"register"}),
	}
	for _, c := range []prometheus.Collector{m.latency, m.failed, m.shares} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// observe counts a request that was well put: the register's name is one that exists.
func (m *meter) observe(id ident.Register, took time.Duration, err error) {
	failed := fault.KindOf(err) == fault.Internal || fault.KindOf(err) == fault.Unavailable
	if err == nil || failed {
		m.mu.Lock()
		m.recent[id] = append(m.recent[id], sample{took, err != nil})
		if n := len(m.recent[id]); n > remembered {
			m.recent[id] = m.recent[id][n-remembered:]
		}
		m.mu.Unlock()
	}
	switch {
	case err == nil:
		m.latency.WithLabelValues(string(id)).Observe(took.Seconds())
	case failed:
		m.failed.WithLabelValues(string(id)).Inc()
	}
}

// last is how the recognitions remembered did: the time that 95 of 100 took, failures
// in a thousand, and how many they are.
func (m *meter) last(id ident.Register) (p95 time.Duration, perMille, n int) {
	m.mu.Lock()
	recent := slices.Clone(m.recent[id])
	m.mu.Unlock()
	if n = len(recent); n == 0 {
		return 0, 0, 0
	}
	took, failures := make([]time.Duration, n), 0
	for i, s := range recent {
		if took[i] = s.took; s.failed {
			failures++
		}
	}
	slices.Sort(took)
	return took[n*95/100], failures * 1000 / n, n
}
