// Recognise measures the registrar's matcher on records whose truth is known. It
// estimates a model without looking at the truth, proposes pairs as the product
// would, and only then compares them with it. One default setting serves all data.
//
//	go run ./bench/recognise                 # the data sets and the people drawn by lot
//	go run ./bench/recognise -records a.csv,b.csv -map given=name,birth=dob:dmy -truth 'id:rec-(\d+)' -one-to-one
//	go run ./bench/recognise -ablate         # what each step contributes
//	go run ./bench/recognise -latency        # a register of a million
//	go run ./bench/recognise -overlays       # the rule by which an entry is found to be two people's
//
// The last line printed is the result as JSON.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// set is one data set: a file to search for duplicates, or two to link.
type set struct {
	name           string
	files          []string
	columns, truth string
	oneToOne       bool
	target         string
	met            func(s score) bool
}

const febrl = "given=given_name,family=surname,house=street_number,lines=address_1,lines=address_2,locality=suburb,region=state,postcode=postcode,birth=date_of_birth"

// sets are the public data sets of ../shared/data, with what is asked of them.
var sets = []set{
	{
		"febrl4 with the number", []string{"febrl4a.csv", "febrl4b.csv"}, febrl + ",number=soc_sec_id:ssid", `rec_id:rec-(\d+)`, true,
		"precision 1.0000, recall 0.998", func(s score) bool { return s.Wrong == 0 && s.Recall >= 0.998 },
	},
	{
		"febrl4 without the number", []string{"febrl4a.csv", "febrl4b.csv"}, febrl, `rec_id:rec-(\d+)`, true,
		"precision 0.999, recall 0.99", func(s score) bool { return s.Precision >= 0.999 && s.Recall >= 0.99 },
	},
	{
		"febrl2 with the number", []string{"febrl2.csv"}, febrl + ",number=soc_sec_id:ssid", `rec_id:rec-(\d+)`, false,
		"F1 0.99", func(s score) bool { return s.F1 >= 0.99 },
	},
	{
		"febrl2 without the number", []string{"febrl2.csv"}, febrl, `rec_id:rec-(\d+)`, false,
		"F1 0.99", func(s score) bool { return s.F1 >= 0.99 },
	},
	{
		"fake_1000", []string{"fake_1000.csv"}, "given=first_name,family=surname,birth=dob,locality=city,email=email", "cluster", false,
		"F1 0.87", func(s score) bool { return s.F1 >= 0.87 },
	},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "recognise:", err)
		os.Exit(1)
	}
}

func run() error {
	records := flag.String("records", "", "a `file`, or two with a comma: CSV with a head; without it, the data sets in -data")
	columns := flag.String("map", "", "`field=column[:format],…`, fields: given family name birth year month day sex house lines locality region postcode phone email number")
	truth := flag.String("truth", "", "`column:regexp` that tells who a record is of; only the score reads it")
	oneToOne := flag.Bool("one-to-one", false, "of two files, each holds a person at most once")
	data := flag.String("data", filepath.Join("..", "shared", "data"), "the `directory` of the data sets")
	without := flag.String("without", "", "leave these `steps` out: names of the table that -ablate prints, with commas")
	ablate := flag.Bool("ablate", false, "score each set with each step left out")
	overlays := flag.Bool("overlays", false, "measure the rule by which an entry is found to be two people's")
	latency := flag.Bool("latency", false, "time recognitions and the search for duplicates in a generated register")
	people := flag.Int("people", 1_000_000, "how `many` people -latency registers")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	left, err := stepsNamed(*without)
	if err != nil {
		return err
	}
	var result any
	switch {
	case *latency && *people < 1000:
		return errors.New("-people: time at least 1000")
	case *latency:
		result, err = timed(*people)
	case *overlays:
		result, err = allOverlaid(sets, *data)
	case *records != "":
		if *columns == "" || *truth == "" {
			return errors.New("-records needs -map and -truth")
		}
		files := strings.Split(*records, ",")
		if len(files) > 2 || *oneToOne && len(files) != 2 {
			return errors.New("-records takes one file, or two to link; -one-to-one goes with two")
		}
		s := set{name: strings.Join(files, " and "), files: files, columns: *columns, truth: *truth, oneToOne: *oneToOne}
		result, err = some([]set{s}, "", left, *ablate, false)
	default:
		result, err = some(sets, *data, left, *ablate, true)
	}
	if err != nil {
		return err
	}
	last, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(last))
	return err
}

// results is the last line of a run over sets.
type results struct {
	Sets    []scored  `json:"sets"`
	HeldOut []heldOut `json:"held_out,omitempty"`
	Without []string  `json:"without,omitempty"`
	Skipped []string  `json:"skipped,omitempty"`
	Ablated []ablated `json:"ablated,omitempty"`
	Met     bool      `json:"targets_met"`
}

// some scores the sets, and the people drawn by lot where asked.
func some(sets []set, dir string, without []step, ablate, lot bool) (r results, err error) {
	for _, s := range without {
		r.Without = append(r.Without, s.name)
	}
	r.Met = true
	for _, s := range sets {
		l, err := s.load(dir)
		if errors.Is(err, os.ErrNotExist) && dir != "" {
			fmt.Printf("%s: SKIPPED, NOT MEASURED: %v\n", s.name, err)
			r.Skipped, r.Met = append(r.Skipped, s.name), false
			continue
		}
		if err != nil {
			return r, err
		}
		m := l.estimate()
		got := l.score(m, without)
		got.Name = s.name
		if s.met != nil {
			met := s.met(got.Pairwise)
			got.Target, got.Met = s.target, &met
			r.Met = r.Met && met
		}
		got.print()
		r.Sets = append(r.Sets, got)
		if ablate {
			r.Ablated = append(r.Ablated, l.ablate(s.name, m, got)...)
		}
	}
	if lot {
		for _, h := range hardships {
			l, from := h.draw()
			m := l.estimate()
			got := h.measure(l, m, from, without)
			got.print()
			r.HeldOut = append(r.HeldOut, got)
			if ablate && h == hardships[len(hardships)-1] {
				r.Ablated = append(r.Ablated, l.ablate(h.title(), m, got.Proposed)...)
			}
		}
	}
	return r, nil
}
