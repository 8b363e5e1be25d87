package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// listed is what every answer must hold: the other column's provider.
const listed = `"riverside-surgery"`

// askers are the practitioners, each with a request as it goes over the wire,
// in which only the number of the person changes.
type askers struct {
	Address  string
	From     int // the person before the first of these
	Rows     int
	Requests [][]byte
	Digits   []int // where the number stands
}

func (h *hub) askers(rows int) (*askers, error) {
	identifier := fmt.Sprintf(sides[0].format, 0)
	body := `{"column":"` + askersColumn + `","identifier":"` + identifier +
		`","purpose":"co-ordinate-care","reason":"working-with-person","concerning":"child"}`
	a := &askers{Address: h.address, Rows: rows}
	for i := range practitioners {
		token, err := h.issuer.token(practitioner(i), h.now())
		if err != nil {
			return nil, err
		}
		request := fmt.Appendf(nil, "POST /relmgr/v1/enquiries HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", h.address, token, len(body), body)
		a.Requests = append(a.Requests, request)
		a.Digits = append(a.Digits, bytes.LastIndex(request, []byte(identifier))+len("LMN-"))
	}
	return a, nil
}

// client is one kept connection. It is as light as Go lets it be, since it
// shares the machine with what it measures.
type client struct {
	*askers
	conn     net.Conn
	in       *bufio.Reader
	out      []byte
	body     bytes.Buffer
	chance   *rand.Rand
	done     []time.Duration // latencies that count
	counting time.Time
}

func (a *askers) dial(ctx context.Context) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", a.Address)
	if err != nil {
		return nil, err
	}
	return &client{askers: a, conn: conn, in: bufio.NewReader(conn), chance: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}, nil
}

// once asks a random question about a random person.
func (c *client) once() error { return c.about(c.From+1+c.chance.IntN(c.Rows), true) }

// about asks about person number n, and checks that the surgery is listed or
// not.
func (c *client) about(n int, known bool) error {
	i := c.chance.IntN(len(c.Requests))
	c.out = append(c.out[:0], c.Requests[i]...)
	for at := c.Digits[i] + digits - 1; at >= c.Digits[i]; at-- {
		c.out[at] = byte('0' + n%10)
		n /= 10
	}
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	c.body.Reset()
	_, err = io.Copy(&c.body, res.Body)
	res.Body.Close()
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || bytes.Contains(c.body.Bytes(), []byte(listed)) != known {
		return fmt.Errorf("an enquiry was answered with %d and this, with %s to be listed %v: %s", res.StatusCode, listed, known, c.body.Bytes())
	}
	return nil
}

// verify asks once and reads the answer.
func (a *askers) verify(ctx context.Context) error {
	c, err := a.dial(ctx)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	return c.once()
}

// load is how the askers ask.
type load struct {
	Clients int
	Length  time.Duration // that counts, after a first second
	Rate    float64       // requests a second of all clients together; 0: as fast as answers come
}

// loaded is what came of it.
type loaded struct {
	throughput float64
	latencies  []time.Duration // in order
}

// quantile is a latency in milliseconds.
func (l loaded) quantile(q float64) float64 {
	if len(l.latencies) == 0 {
		return 0
	}
	at := min(int(q*float64(len(l.latencies))), len(l.latencies)-1)
	return float64(l.latencies[at].Microseconds()) / 1000
}

// ask puts the load on the hub, and says when it begins to count and when it
// ends. It fails with the first answer that is wrong.
func (a *askers) ask(ctx context.Context, l load, say func(string)) (loaded, error) {
	clients := make([]*client, l.Clients)
	for i := range clients {
		c, err := a.dial(ctx)
		if err != nil {
			return loaded{}, err
		}
		defer c.conn.Close()
		clients[i] = c
	}
	start := time.Now()
	counting := start.Add(time.Second)
	end := counting.Add(l.Length)
	failed := make([]error, l.Clients)
	var all sync.WaitGroup
	for i, c := range clients {
		c.counting = counting
		_ = c.conn.SetDeadline(end.Add(10 * time.Second)) // an answer that never comes fails the run
		all.Go(func() {
			failed[i] = c.until(ctx, end, l.Rate/float64(l.Clients))
		})
	}
	time.Sleep(time.Until(counting))
	say(beginLine)
	time.Sleep(time.Until(end))
	say(endLine)
	all.Wait()
	if err := errors.Join(ctx.Err(), errors.Join(failed...)); err != nil {
		return loaded{}, err
	}
	var r loaded
	for _, c := range clients {
		r.latencies = append(r.latencies, c.done...)
	}
	slices.Sort(r.latencies)
	r.throughput = float64(len(r.latencies)) / l.Length.Seconds()
	return r, nil
}

// until asks till the end: one question after the other, or, with a rate, each
// when it is due, however long the one before it took. What is answered between
// counting and the end counts; at a rate, what was due then.
func (c *client) until(ctx context.Context, end time.Time, rate float64) error {
	due := time.Now()
	for ctx.Err() == nil {
		if rate > 0 {
			due = due.Add(time.Duration(c.chance.ExpFloat64() / rate * float64(time.Second)))
			time.Sleep(time.Until(due))
		} else {
			due = time.Now()
		}
		if due.After(end) {
			return nil
		}
		if err := c.once(); err != nil {
			return err
		}
		now, mark := time.Now(), due
		if rate == 0 {
			mark = now
		}
		if mark.After(c.counting) && mark.Before(end) {
			c.done = append(c.done, now.Sub(due))
		}
	}
	return nil
}
