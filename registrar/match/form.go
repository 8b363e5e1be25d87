package match

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Form is a record made comparable: folded, split and bounded. It is read-only
// after Normalise and may be shared.
type Form struct {
	names   []name
	births  []Date
	sex     byte // 'f', 'm' or 0
	places  []place
	phones  []string
	emails  []string
	numbers []number
}

// name is the folded parts of one name. In a loose name the roles are unknown
// and given holds all the parts, in the order as written.
type name struct {
	given, family []string
	loose         bool
}

type place struct{ house, street, locality, region, postcode string }

type number struct{ scheme, value string }

// Normalise makes a record comparable. It cannot fail: what means nothing is
// missing afterwards.
func Normalise(r Record) *Form {
	f := new(Form)
	for _, n := range r.Names[:min(len(r.Names), maxValues)] {
		f.addName(n)
	}
	for _, d := range r.Births[:min(len(r.Births), maxValues)] {
		if d = d.bounded(); d.Year > 0 && !slices.Contains(f.births, d) {
			f.births = append(f.births, d)
		}
	}
	switch s := fold(r.Sex); {
	case s == "f" || s == "female" || s == "woman" || s == "girl":
		f.sex = 'f'
	case s == "m" || s == "male" || s == "man" || s == "boy":
		f.sex = 'm'
	}
	for _, a := range r.Addresses[:min(len(r.Addresses), maxValues)] {
		f.addPlace(a)
	}
	for _, p := range r.Phones[:min(len(r.Phones), maxValues)] {
		if p = digits(p); len(p) >= 5 {
			f.phones = addNew(f.phones, p)
		}
	}
	for _, e := range r.Emails[:min(len(r.Emails), maxValues)] {
		if len(e) <= maxText {
			e = strings.ToLower(strings.TrimSpace(e))
			if plain(e) && len(e) >= 5 && !strings.ContainsAny(e, "\x00|") {
				f.emails = addNew(f.emails, e)
			}
		}
	}
	for _, i := range r.Identifiers[:min(len(r.Identifiers), maxNumber)] {
		n := number{fold(i.Scheme), squeeze(fold(i.Value))}
		if len(n.value) >= 4 && strings.Trim(n.value, "0") != "" && strings.Trim(n.value, "9") != "" && !slices.Contains(f.numbers, n) {
			f.numbers = append(f.numbers, n)
		}
	}
	return f
}

// Empty reports whether nothing is left to recognise anybody by.
func (f *Form) Empty() bool {
	return len(f.names)+len(f.births)+len(f.places)+len(f.phones)+len(f.emails)+len(f.numbers) == 0
}

func addNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// digits are the last nine digits of a telephone number: what is left of it
// without country code and trunk zero.
func digits(phone string) string {
	var out []byte
	for i := 0; i < len(phone) && i < maxText; i++ {
		if c := phone[i]; c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	if strings.Trim(string(out), "0") == "" {
		return ""
	}
	return string(out[max(0, len(out)-9):])
}

func (f *Form) addName(n Name) {
	var v name
	if n.Given == "" && n.Family == "" {
		v = name{given: parts(n.Parts, true), loose: true}
	} else {
		v = name{given: append(parts(n.Given, false), parts(n.Parts, false)...), family: parts(n.Family, true)}
		v.given = v.given[:min(len(v.given), maxParts)]
	}
	if len(v.given)+len(v.family) > 0 {
		f.names = append(f.names, v)
	}
}

// parts are the parts of a name, without titles and with particles joined or
// left out. A name of nothing but those keeps them.
func parts(text string, family bool) []string {
	all := strings.Fields(fold(text))
	out := all[:0:0]
	for i := 0; i < len(all) && len(out) < maxParts; i++ {
		p := all[i]
		switch {
		case titles[p] && len(all) > 1, family && particles[p] && len(all) > 1 && i < len(all)-1:
			continue
		case joiners[p] && i < len(all)-1:
			i++
			p += all[i]
		}
		out = append(out, p[:min(len(p), maxPart)])
	}
	if len(out) == 0 && len(all) > 0 {
		out = append(out, all[0][:min(len(all[0]), maxPart)])
	}
	return out
}

var (
	titles    = words("mr mrs ms miss mx dr sir dame prof professor rev reverend baby infant")
	particles = words("van der den de het la le los las del della di da do dos das du von zu zur ten ter bin ibn bint binti al el e y i und")
	joiners   = words("mc mac o st saint fitz abd abdul abdel abu ab ap")
)

func (f *Form) addPlace(a Address) {
	p := place{
		house: squeeze(fold(a.House)), locality: fold(a.Locality), region: squeeze(fold(a.Region)),
		postcode: squeeze(fold(a.Postcode)),
	}
	var street []string
	for _, w := range strings.Fields(fold(a.Lines)) {
		switch {
		case p.house == "" && w[0] >= '0' && w[0] <= '9':
			p.house = w
		case !streetWords[w]:
			street = append(street, w)
		}
	}
	p.street = strings.Join(street, " ")
	p.postcode = p.postcode[:min(len(p.postcode), 12)]
	if p != (place{}) {
		f.places = append(f.places, p)
	}
}

var streetWords = words("street st str road rd avenue ave av place pl close cl crescent cres court ct drive dr lane ln way circuit cct " +
	"terrace tce square sq grove gardens gdns flat unit apartment apt house the rue via strasse calle")

// pack writes the form as one string, which for most people is 100 to 200 bytes
// without a pointer in it: a million fit in memory side by side.
func (f *Form) pack() string {
	b := make([]byte, 0, 192)
	put := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	list := func(l []string) {
		b = append(b, byte(len(l)))
		for _, s := range l {
			put(s)
		}
	}
	b = append(b, byte(len(f.names)))
	for _, n := range f.names {
		loose := byte(0)
		if n.loose {
			loose = 1
		}
		b = append(b, loose)
		list(n.given)
		list(n.family)
	}
	b = append(b, byte(len(f.births)))
	for _, d := range f.births {
		b = binary.AppendUvarint(b, uint64(d.Year))
		b = append(b, byte(d.Month), byte(d.Day), byte(d.Within))
	}
	b = append(b, f.sex, byte(len(f.places)))
	for _, p := range f.places {
		put(p.house)
		put(p.street)
		put(p.locality)
		put(p.region)
		put(p.postcode)
	}
	list(f.phones)
	list(f.emails)
	b = append(b, byte(len(f.numbers)))
	for _, n := range f.numbers {
		put(n.scheme)
		put(n.value)
	}
	return string(b)
}

// unpack reads what pack wrote into f, and uses the room that f has. It reads
// only what this process packed.
func (f *Form) unpack(packed string) {
	at := 0
	one := func() byte { at++; return packed[at-1] }
	uvarint := func() (v int) {
		for shift := 0; ; shift += 7 {
			c := one()
			v |= int(c&0x7f) << shift
			if c < 0x80 {
				return v
			}
		}
	}
	text := func() string { n := uvarint(); at += n; return packed[at-n : at] }
	list := func(l []string) []string {
		for n := one(); n > 0; n-- {
			l = append(l, text())
		}
		return l
	}
	names := f.names[:0]
	for n := one(); n > 0; n-- {
		if len(names) < cap(names) {
			names = names[:len(names)+1]
		} else {
			names = append(names, name{})
		}
		last := &names[len(names)-1]
		last.loose = one() == 1
		last.given = list(last.given[:0])
		last.family = list(last.family[:0])
	}
	f.names = names
	f.births = f.births[:0]
	for n := one(); n > 0; n-- {
		year := uvarint()
		f.births = append(f.births, Date{year, int(one()), int(one()), int(one())})
	}
	f.sex = one()
	f.places = f.places[:0]
	for n := one(); n > 0; n-- {
		f.places = append(f.places, place{text(), text(), text(), text(), text()})
	}
	f.phones = list(f.phones[:0])
	f.emails = list(f.emails[:0])
	f.numbers = f.numbers[:0]
	for n := one(); n > 0; n-- {
		f.numbers = append(f.numbers, number{text(), text()})
	}
}
