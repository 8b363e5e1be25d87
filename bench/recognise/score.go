package main

import "github.com/fame-hub/fame/registrar/match"

// score is how well pairs and groups agree with the truth.
type score struct {
	Pairs     int     `json:"pairs"`      // proposed
	True      int     `json:"true_pairs"` // there are
	Wrong     int     `json:"wrong_pairs"`
	Missed    int     `json:"missed_pairs"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

func pairwise(proposed, right, truths int) score {
	s := score{Pairs: proposed, True: truths, Wrong: proposed - right, Missed: truths - right}
	s.Precision, s.Recall = part(right, proposed), part(right, truths)
	s.F1 = harmonic(s.Precision, s.Recall)
	return s
}

func part(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func harmonic(p, r float64) float64 {
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

type bcubed struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// bCubed scores groups record by record (Bagga and Baldwin 1998).
func bCubed(group []int, whose []string) bcubed {
	type both struct {
		g int
		w string
	}
	size, class, common := map[int]int{}, map[string]int{}, map[both]int{}
	for i, g := range group {
		size[g]++
		class[whose[i]]++
		common[both{g, whose[i]}]++
	}
	var b bcubed
	for k, n := range common {
		b.Precision += float64(n) * float64(n) / float64(size[k.g])
		b.Recall += float64(n) * float64(n) / float64(class[k.w])
	}
	b.Precision /= float64(len(group))
	b.Recall /= float64(len(group))
	b.F1 = harmonic(b.Precision, b.Recall)
	return b
}

// components are the groups that pairs make of n records.
func components(n int, pairs []match.Pair, shift int32) []int {
	parent := make([]int, n)
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for _, p := range pairs {
		parent[find(int(p.A))] = find(int(p.B + shift))
	}
	for i := range parent {
		parent[i] = find(i)
	}
	return parent
}
