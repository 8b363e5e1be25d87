package match

// within reports whether a becomes b by at most most edits: a letter added,
// dropped, replaced, or two neighbours exchanged (optimal string alignment). It
// is meant for short strings: longer ones than maxText never are.
func within(a, b string, most int) bool {
	if a == b {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > most || len(b) > maxText {
		return false
	}
	for len(a) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(b) <= most {
		return true
	}
	if len(a) == 0 {
		return len(b) <= most
	}
	var rows [3][maxText + 1]uint16
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		above[j] = uint16(j)
	}
	for i := 1; i <= len(a); i++ {
		row[0] = uint16(i)
		least := row[0]
		for j := 1; j <= len(b); j++ {
			cost := uint16(1)
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if int(least) > most {
			return false
		}
		before, above, row = above, row, before
	}
	return int(above[len(b)]) <= most
}

// jaroWinkler is Winkler's similarity of two short strings, 0 to 1 (Winkler 1990).
func jaroWinkler(a, b string) float64 {
	if a == b {
		return 1
	}
	if len(a) == 0 || len(b) == 0 || len(a) > 64 || len(b) > 64 {
		return 0
	}
	reach := max(max(len(a), len(b))/2-1, 0)
	var inA, inB uint64
	common := 0
	for i := 0; i < len(a); i++ {
		for j := max(0, i-reach); j <= min(i+reach, len(b)-1); j++ {
			if inB>>j&1 == 0 && a[i] == b[j] {
				inA |= 1 << i
				inB |= 1 << j
				common++
				break
			}
		}
	}
	if common == 0 {
		return 0
	}
	moved, j := 0, 0
	for i := 0; i < len(a); i++ {
		if inA>>i&1 == 0 {
			continue
		}
		for inB>>j&1 == 0 {
			j++
		}
		if a[i] != b[j] {
			moved++
		}
		j++
	}
	c := float64(common)
	jaro := (c/float64(len(a)) + c/float64(len(b)) + (c-float64(moved)/2)/c) / 3
	prefix := 0
	for prefix < min(4, len(a), len(b)) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + float64(prefix)*0.1*(1-jaro)
}

// shared counts the pairs of neighbouring letters that two folded texts have in
// common, wherever they stand, and how many each has. Blanks are not read, so
// that a blank too many or too few costs little.
func shared(a, b string) (common, inA, inB int) {
	var seen [36 * 36]uint8
	each := func(s string, do func(at int)) (n int) {
		last := -1
		for i := 0; i < len(s); i++ {
			var v int
			switch c := s[i]; {
			case c >= 'a' && c <= 'z':
				v = int(c - 'a')
			case c >= '0' && c <= '9':
				v = 26 + int(c-'0')
			default:
				continue
			}
			if last >= 0 {
				do(last*36 + v)
				n++
			}
			last = v
		}
		return n
	}
	inA = each(a, func(at int) {
		if seen[at] < 255 {
			seen[at]++
		}
	})
	inB = each(b, func(at int) {
		if seen[at] > 0 {
			seen[at]--
			common++
		}
	})
	return common, inA, inB
}

// dice is 2·common/(a+b) of the pairs of neighbouring letters.
func dice(a, b string) float64 {
	common, inA, inB := shared(a, b)
	if inA+inB == 0 {
		return 0
	}
	return 2 * float64(common) / float64(inA+inB)
}

// contained is how much of the shorter of two texts is in the longer.
func contained(a, b string) float64 {
	common, inA, inB := shared(a, b)
	if min(inA, inB) == 0 {
		return 0
	}
	return float64(common) / float64(min(inA, inB))
}
