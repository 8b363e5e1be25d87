package api

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count requests. Their labels are the contract's own names and the
// class of the status, so that none of them tells one subject from another.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newMetrics registers them, or finds them where another Edge of the process
// has.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	requests, err := register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fame_http_requests_total",
		Help: "Requests answered, by duty, operation and class of status.",
	}, []string{"duty", "operation", "status_class"}))
	if err != nil {
		return nil, err
	}
	seconds, err := register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "fame_http_request_seconds",
		Help:    "How long answers took, by duty and operation.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"duty", "operation"}))
	if err != nil {
		return nil, err
	}
	return &metrics{requests, seconds}, nil
}

func register[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	err := r.Register(c)
	if err == nil {
		return c, nil
	}
	if same, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if c, ok := same.ExistingCollector.(C); ok {
			return c, nil
		}
	}
	return c, fmt.Errorf("register the edge's metrics: %w", err)
}

func (m *metrics) count(req *request, took time.Duration) {
	class := strconv.Itoa(req.status/100) + "xx"
	m.requests.WithLabelValues(req.duty, req.operation, class).Inc()
	m.seconds.WithLabelValues(req.duty, req.operation).Observe(took.Seconds())
}
