package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/fame-hub/fame/registrar/match"
)

// timing is the result of -latency.
type timing struct {
	People       int      `json:"people"`
	Processors   int      `json:"processors"`
	BuildSeconds float64  `json:"build_seconds"`
	Estimate     float64  `json:"estimate_seconds"`
	Duplicates   float64  `json:"duplicates_seconds"`
	Whole        float64  `json:"read_estimate_and_search_seconds"`
	Pairs        score    `json:"duplicates"`
	P50          float64  `json:"recognition_p50_ms"`
	P99          float64  `json:"recognition_p99_ms"`
	Slowest      float64  `json:"recognition_max_ms"`
	Candidates   float64  `json:"candidates_per_recognition"`
	Known        outcomes `json:"recognised"`
	BombMs       float64  `json:"recognition_in_10000_of_one_name_ms"`
	PeakMiB      float64  `json:"peak_resident_mib"`
	// On a machine that is busy with other things the processor's time says more
	// than the clock's: divided by the processors it is what an idle one would take.
	BuildCPU      float64 `json:"build_cpu_seconds"`
	EstimateCPU   float64 `json:"estimate_cpu_seconds"`
	DuplicatesCPU float64 `json:"duplicates_cpu_seconds"`
	WholeCPU      float64 `json:"read_estimate_and_search_cpu_seconds"`
	Met           bool    `json:"targets_met"`
}

const (
	twice             = 20     // one in so many is registered twice
	bomb              = 10_000 // people of one name and one birth
	timedRecognitions = 5_000
)

// timed registers n people, of whom a part stand in the register twice and ten
// thousand are called and were born alike, and searches the register.
func timed(n int) (timing, error) {
	debug.SetGCPercent(50)
	t := town{n}
	h := hardships[0]
	firsts, alike := n-n/twice, min(bomb, n/100)
	record := func(i int) match.Record {
		switch {
		case i < alike:
			r := t.person(i).record
			r.Names, r.Births = []match.Name{{Given: "Jan", Family: "Novak"}}, []match.Date{{Year: 1980, Month: 1, Day: 1}}
			return r
		case i >= firsts:
			return h.again(rand.New(rand.NewPCG(5, uint64(i))), t, t.person(t.original(i, firsts, alike)))
		}
		return t.person(i).record
	}
	out := timing{People: n, Processors: runtime.GOMAXPROCS(0)}
	begin, idle := time.Now(), cpu()
	ix := match.NewIndex(n, func(i int) *match.Form { return match.Normalise(record(i)) })
	out.BuildSeconds, out.BuildCPU = time.Since(begin).Seconds(), cpu()-idle
	fmt.Printf("registered %d people in %.1f s (%.1f s of processors), %.0f MiB\n", n, out.BuildSeconds, out.BuildCPU, peak())
	start, used := time.Now(), cpu()
	m := match.Estimate(ix, nil, "bench")
	out.Estimate, out.EstimateCPU = time.Since(start).Seconds(), cpu()-used
	fmt.Printf("estimated a model in %.1f s (%.1f s of processors), %.0f MiB\n", out.Estimate, out.EstimateCPU, peak())
	start, used = time.Now(), cpu()
	pairs := ix.Duplicates(m)
	out.Duplicates, out.DuplicatesCPU = time.Since(start).Seconds(), cpu()-used
	out.Whole, out.WholeCPU = time.Since(begin).Seconds(), cpu()-idle
	right, proposed := 0, 0
	for _, p := range pairs {
		if int(max(p.A, p.B)) < alike {
			continue // nobody could tell those of one family among the ten thousand apart
		}
		proposed++
		if i := int(p.B); i >= firsts && t.original(i, firsts, alike) == int(p.A) {
			right++
		}
	}
	out.Pairs = pairwise(proposed, right, n-firsts)
	fmt.Printf("searched it for duplicates in %.1f s (%.1f s of processors): precision %.4f recall %.4f\n", out.Duplicates, out.DuplicatesCPU, out.Pairs.Precision, out.Pairs.Recall)

	chance := rand.New(rand.NewPCG(9, 9))
	var found match.Found
	var took []time.Duration
	candidates := 0
	once := func(r match.Record) (match.Outcome, time.Duration) {
		start := time.Now()
		evidence := match.Normalise(r)
		ix.Candidates(evidence, &found)
		forms := make([]*match.Form, len(found.Records))
		for i, at := range found.Records {
			forms[i] = new(match.Form)
			ix.Form(int(at), forms[i])
		}
		o := m.Recognise(evidence, forms, found.Full, n)
		return o, time.Since(start)
	}
	for range timedRecognitions {
		who := alike + chance.IntN(firsts-alike)
		r := hardships[1].again(chance, t, t.person(who))
		o, d := once(r)
		took = append(took, d)
		candidates += len(found.Records)
		switch {
		case o.Kind == match.UnderDetermined:
			out.Known.Under++
		case o.Kind == match.OverDetermined:
			out.Known.Over++
		case int(found.Records[o.Candidate]) == who:
			out.Known.Right++
		default:
			if i := int(found.Records[o.Candidate]); i >= firsts && t.original(i, firsts, alike) == who {
				out.Known.Right++ // their other entry
			} else {
				out.Known.Wrong++
			}
		}
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	out.P50, out.P99, out.Slowest = ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1])
	out.Candidates = float64(candidates) / timedRecognitions
	_, d := once(record(0))
	out.BombMs = ms(d)
	out.PeakMiB = peak()
	out.Met = out.P99 <= 50 && out.Whole < 600 && out.PeakMiB < 2048
	fmt.Printf("recognised %d: p50 %.2f ms, p99 %.2f ms, slowest %.2f ms, %.0f candidates; %+v\n", timedRecognitions, out.P50, out.P99, out.Slowest, out.Candidates, out.Known)
	fmt.Printf("one of ten thousand of one name and birth: %.2f ms; peak %.0f MiB\n", out.BombMs, out.PeakMiB)
	return out, nil
}

// original is whom the i-th record, a second one, is of.
func (t town) original(i, firsts, alike int) int { return alike + (i-firsts)*7%(firsts-alike) }

// cpu is the processors' time that this process has had, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

var highest = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that this process has had, in MiB; 0 where the system
// does not say.
func peak() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	found := highest.FindSubmatch(text)
	if found == nil {
		return 0
	}
	kb, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return 0
	}
	return float64(kb) / 1024
}
