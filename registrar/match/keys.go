package match

import (
	"slices"
	"strconv"
	"strings"
)

// Pass is one way to find candidates: records that share a token of the pass are
// compared with each other.
type Pass uint8

// The passes. Each forgives another kind of error, so that a person is missed
// only where all of them fail.
const (
	ByNumber       Pass = iota // an identifier
	ByPhone                    // a telephone number
	ByEmail                    // an e-mail address
	ByHome                     // postcode and house
	ByBirth                    // the date, day and month in either order
	ByBirthAndName             // two of year, month and day, and how a part of the name sounds
	ByPostcodeName             // the postcode and how a part of the name sounds
	ByYearAndNames             // the year and how two parts of the name sound
	ByNames                    // how two parts of the name sound
	ByNameStarts               // how two parts of the name begin
	ByPlaceAndName             // locality, house and how a part of the name begins
	ByName                     // how a part of the name sounds, which finds rare names
	ByEmailName                // what stands before the @
	Passes                     // how many there are
)

var passNames = [Passes]string{
	"number", "telephone", "e-mail", "home", "birth", "birth-and-name", "postcode-and-name", "year-and-names", "names",
	"name-starts", "place-and-name", "name", "e-mail-name",
}

// bounds is how many records may share a token before it no longer tells them
// apart. A fuller block is not read at all, for the records in it that come first
// would be found and the others not. ByBirth is wide, since in a million people
// forty are born on one day.
var bounds = [Passes]int{20, 20, 20, 40, 150, 60, 60, 60, 60, 60, 60, 60, 30}

// String is the name of the pass.
func (p Pass) String() string { return passNames[p] }

// PassNamed is the pass of that name, and whether there is one.
func PassNamed(name string) (Pass, bool) {
	i := slices.Index(passNames[:], name)
	return Pass(max(i, 0)), i >= 0
}

// Bound is how many records a block of the pass may hold. Whoever looks up
// candidates asks for one more than that, and on getting it drops the block and
// says so to Recognise.
func (p Pass) Bound() int { return bounds[p] }

// Key is one token of a record in one pass. Tokens hold what was typed about a
// person and are only ever stored keyed (HMAC, design section 3): equality is all
// that candidates are looked up by.
type Key struct {
	Pass  Pass
	Token string
}

// Keys are the record's tokens, none twice, at most maxKeys. The same record
// gives the same keys; to store a record and to look one up takes the same.
func (f *Form) Keys() []Key {
	keys := make([]Key, 0, 32)
	f.keys(func(p Pass, token string) { keys = append(keys, Key{p, token}) })
	slices.SortFunc(keys, func(a, b Key) int {
		if a.Pass != b.Pass {
			return int(a.Pass) - int(b.Pass)
		}
		return strings.Compare(a.Token, b.Token)
	})
	keys = slices.Compact(keys)
	return keys[:min(len(keys), maxKeys)]
}

// maxKeys bounds what one record costs to store and to look up. People with one
// name and one address have about 25.
const maxKeys = 200

// keys calls put with each token; the same token may come twice.
func (f *Form) keys(put func(p Pass, token string)) {
	for _, n := range f.numbers {
		put(ByNumber, n.scheme+"|"+n.value)
	}
	var named [][]string // the parts of each name, at most four of each
	for i := range f.names {
		all := f.names[i].all(nil)
		all = slices.DeleteFunc(all, func(p string) bool { return len(p) < 2 })
		if len(all) > 4 {
			all = append(all[:2:2], all[len(all)-2:]...)
		}
		named = append(named, all)
	}
	for _, d := range f.births {
		f.birthKeys(d, named, put)
	}
	for _, all := range named {
		for i, a := range all {
			put(ByName, skeleton(a))
			for _, b := range all[i+1:] {
				if s, t := sorted(skeleton(a), skeleton(b)); len(s)+len(t) >= 3 {
					put(ByNames, s+"|"+t)
				}
				s, t := sorted(a[:min(3, len(a))], b[:min(3, len(b))])
				put(ByNameStarts, s+"|"+t)
			}
		}
	}
	for i := range f.places {
		p := &f.places[i]
		for _, all := range named {
			for _, a := range all {
				if p.postcode != "" {
					put(ByPostcodeName, p.postcode+"|"+skeleton(a))
				}
				if p.locality != "" {
					put(ByPlaceAndName, p.locality[:min(4, len(p.locality))]+"|"+p.house+"|"+a[:min(2, len(a))])
				}
			}
		}
		if p.postcode != "" && p.house != "" {
			put(ByHome, p.postcode+"|"+p.house)
		}
	}
	for _, p := range f.phones {
		put(ByPhone, p)
	}
	for _, e := range f.emails {
		put(ByEmail, e)
		start, _, _ := strings.Cut(e, "@")
		put(ByEmailName, start)
	}
}

func (f *Form) birthKeys(d Date, named [][]string, put func(p Pass, token string)) {
	year := strconv.Itoa(d.Year)
	var some []string // pairs of what is known of the date
	if d.Month > 0 && d.Within == 0 {
		low, high := min(d.Month, d.Day), max(d.Month, d.Day)
		if d.Day > 0 {
			put(ByBirth, year+"|"+strconv.Itoa(low)+"|"+strconv.Itoa(high))
			some = append(some, year+"d"+strconv.Itoa(d.Day), strconv.Itoa(low)+"|"+strconv.Itoa(high))
		}
		some = append(some, year+"m"+strconv.Itoa(d.Month))
	}
	for _, all := range named {
		for i, a := range all {
			s := skeleton(a)
			for _, t := range some {
				put(ByBirthAndName, t+"|"+s)
			}
			for _, b := range all[i+1:] {
				s, t := sorted(s, skeleton(b))
				for y := d.Year - min(d.Within, 5); y <= d.Year+min(d.Within, 5); y++ {
					put(ByYearAndNames, strconv.Itoa(y)+"|"+s+"|"+t)
				}
			}
		}
	}
}

func sorted(a, b string) (string, string) {
	if a > b {
		return b, a
	}
	return a, b
}
