package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/fame-hub/fame/registrar/match"
)

// column says what one column of a file holds.
type column struct {
	field, name, format string
	order               match.DateOrder // of a birth
}

// columns is the -map flag: field=column[:format],…
type columns []column

// known are the fields that a column can be mapped to, and other words for them.
var known = map[string]string{
	"given": "given", "first_name": "given", "given_name": "given", "forename": "given", "middle_name": "given",
	"family": "family", "surname": "family", "last_name": "family", "family_name": "family",
	"name": "name", "full_name": "name", "birth": "birth", "dob": "birth", "date_of_birth": "birth",
	"year": "year", "month": "month", "day": "day", "sex": "sex", "gender": "sex",
	"house": "house", "lines": "lines", "street": "lines", "address": "lines",
	"locality": "locality", "city": "locality", "suburb": "locality", "town": "locality", "birth_place": "locality",
	"region": "region", "state": "region", "county": "region", "postcode": "postcode", "zip": "postcode",
	"phone": "phone", "telephone": "phone", "email": "email", "number": "number", "identifier": "number", "id": "number",
}

func parseColumns(flag string) (all columns, err error) {
	for item := range strings.SplitSeq(flag, ",") {
		field, rest, ok := strings.Cut(item, "=")
		to := known[strings.TrimSpace(field)]
		if !ok || to == "" {
			return nil, fmt.Errorf("-map %q: write field=column[:format] with one of given, family, name, birth, year, month, day, sex, house, lines, locality, region, postcode, phone, email, number", item)
		}
		name, format, _ := strings.Cut(rest, ":")
		c := column{field: to, name: strings.TrimSpace(name), format: format}
		if to == "birth" {
			if c.order, err = dateOrder(format); err != nil {
				return nil, fmt.Errorf("-map %q: %w", item, err)
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// dateOrder reads a format such as ymd, dd/mm/yyyy, %Y%m%d or 2006-01-02.
func dateOrder(format string) (match.DateOrder, error) {
	first := func(tokens ...string) int {
		for _, t := range tokens {
			if at := strings.Index(strings.ToLower(format), t); at >= 0 {
				return at
			}
		}
		return -1
	}
	y, m, d := first("2006", "y"), first("01", "m"), first("02", "d")
	switch {
	case format == "", y >= 0 && (m < 0 || y < m) && (d < 0 || y < d):
		return match.YearFirst, nil
	case d >= 0 && d < m && m < y:
		return match.DayFirst, nil
	case m >= 0 && m < d && d < y:
		return match.MonthFirst, nil
	}
	return 0, errors.New("the format of a birth is ymd, dmy or mdy")
}

// truth is the -truth flag: the column that tells who a record is of, and what of
// it (the first group of the expression, or all it matches).
type truth struct {
	column string
	of     *regexp.Regexp
}

func parseTruth(flag string) (truth, error) {
	name, expression, ok := strings.Cut(flag, ":")
	if !ok {
		expression = ".+"
	}
	of, err := regexp.Compile(expression)
	if err != nil || name == "" {
		return truth{}, fmt.Errorf("-truth %q: write column:expression", flag)
	}
	return truth{name, of}, nil
}

// people are the records of a file with what is true of them, which nothing but
// the score reads.
type people struct {
	records []match.Record
	whose   []string
}

func (p *people) form(i int) *match.Form { return match.Normalise(p.records[i]) }

func readPeople(path string, as columns, t truth) (*people, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read the head of %s: %w", path, err)
	}
	at := map[string]int{}
	for i, h := range head {
		at[strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))] = i
	}
	for _, c := range as {
		if _, ok := at[c.name]; !ok {
			return nil, fmt.Errorf("%s has no column %q", path, c.name)
		}
	}
	if _, ok := at[t.column]; !ok {
		return nil, fmt.Errorf("%s has no column %q", path, t.column)
	}
	p := new(people)
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		found := t.of.FindStringSubmatch(row[at[t.column]])
		if found == nil {
			return nil, fmt.Errorf("%s: the truth of a record does not match the expression", path)
		}
		p.whose = append(p.whose, found[len(found)-1])
		p.records = append(p.records, as.record(func(name string) string { return row[at[name]] }))
	}
}

func (as columns) record(value func(name string) string) (r match.Record) {
	var name match.Name
	var address match.Address
	var birth match.Date
	for _, c := range as {
		v := value(c.name)
		if strings.TrimSpace(v) == "" {
			continue
		}
		switch c.field {
		case "given":
			name.Given = strings.TrimSpace(name.Given + " " + v)
		case "family":
			name.Family = strings.TrimSpace(name.Family + " " + v)
		case "name":
			name.Parts = v
		case "birth":
			r.Births = append(r.Births, match.ParseDate(v, c.order))
		case "year":
			birth.Year, _ = strconv.Atoi(strings.TrimSpace(v))
		case "month":
			birth.Month, _ = strconv.Atoi(strings.TrimSpace(v))
		case "day":
			birth.Day, _ = strconv.Atoi(strings.TrimSpace(v))
		case "sex":
			r.Sex = v
		case "house":
			address.House = v
		case "lines":
			address.Lines = strings.TrimSpace(address.Lines + " " + v)
		case "locality":
			address.Locality = v
		case "region":
			address.Region = v
		case "postcode":
			address.Postcode = v
		case "phone":
			r.Phones = append(r.Phones, v)
		case "email":
			r.Emails = append(r.Emails, v)
		case "number":
			r.Identifiers = append(r.Identifiers, match.Identifier{Scheme: c.format, Value: v})
		}
	}
	if birth != (match.Date{}) {
		r.Births = append(r.Births, birth)
	}
	if name != (match.Name{}) {
		r.Names = []match.Name{name}
	}
	if address != (match.Address{}) {
		r.Addresses = []match.Address{address}
	}
	return r
}
