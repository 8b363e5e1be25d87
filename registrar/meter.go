package registrar

import (
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
}

func newMeter(r prometheus.Registerer) (*meter, error) {
	m := &meter{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fame_registrar_recognition_seconds", Help: "How long recognitions took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"register"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fame_registrar_recognition_failures_total", Help: "Recognitions that the registrar could not answer.",
		}, []string{"register"}),
	}
	for _, c := range []prometheus.Collector{m.latency, m.failed} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// observe counts a request that was well put: the register's name is one that exists.
func (m *meter) observe(id ident.Register, took time.Duration, err error) {
	switch {
	case err == nil:
		m.latency.WithLabelValues(string(id)).Observe(took.Seconds())
	case fault.KindOf(err) == fault.Internal, fault.KindOf(err) == fault.Unavailable:
		m.failed.WithLabelValues(string(id)).Inc()
	}
}
