package match

import (
	"slices"
	"sort"
	"sync"
)

// Index holds a register in memory, for searching it whole: estimates, duplicates,
// imports. It finds candidates by the same keys and bounds as a look-up in a table
// of tokens would. It is read-only once built and may be shared.
type Index struct {
	packed []string
	// blocks are, for each pass, (hash of token)<<32 | record, sorted.
	blocks [Passes][]uint64
	// starts are where in blocks the tokens begin whose hash has the same upper half.
	starts [Passes][]uint32
	off    [Passes]bool
}

// NewIndex reads n records, each asked for once, by number, possibly at the same
// time as others. Passes that are named in without are left out.
func NewIndex(n int, form func(i int) *Form, without ...Pass) *Index {
	ix := &Index{packed: make([]string, n)}
	for _, p := range without {
		ix.off[p] = true
	}
	const chunk = 1024
	var mu sync.Mutex
	each(n, chunk, func(from, to int) {
		var local [Passes][]uint64
		for i := from; i < to; i++ {
			f := form(i)
			ix.packed[i] = f.pack()
			for _, k := range f.Keys() {
				if !ix.off[k.Pass] {
					local[k.Pass] = append(local[k.Pass], uint64(tokenHash(k.Token))<<32|uint64(i))
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for p := range local {
			ix.blocks[p] = append(ix.blocks[p], local[p]...)
		}
	})
	each(int(Passes), 1, func(p, _ int) {
		slices.Sort(ix.blocks[p])
		ix.blocks[p] = slices.Clip(ix.blocks[p])
		starts := make([]uint32, 1<<16+1)
		for _, e := range ix.blocks[p] {
			starts[e>>48+1]++
		}
		for i := range 1 << 16 {
			starts[i+1] += starts[i]
		}
		ix.starts[p] = starts
	})
	return ix
}

// Len is how many records the index holds.
func (ix *Index) Len() int { return len(ix.packed) }

// Form reads record i into f, which may be used again for the next.
func (ix *Index) Form(i int, f *Form) { f.unpack(ix.packed[i]) }

func tokenHash(token string) uint32 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(token); i++ {
		h = (h ^ uint64(token[i])) * 1099511628211
	}
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return uint32(h >> 32)
}

// Found are the candidates for a record.
type Found struct {
	Records []int32
	// Full are the passes in which a block held more than its bound and was left
	// unread.
	Full [Passes]bool
	seen map[int32]struct{}
}

// Candidates finds the records that share a token with f, in no order, none twice.
// What it finds replaces what found held.
func (ix *Index) Candidates(f *Form, found *Found) {
	found.Records, found.Full = found.Records[:0], [Passes]bool{}
	if found.seen == nil {
		found.seen = map[int32]struct{}{}
	}
	clear(found.seen)
	for _, k := range f.Keys() {
		block := ix.block(k)
		if len(block) > k.Pass.Bound() {
			found.Full[k.Pass] = true
			continue
		}
		for _, e := range block {
			i := int32(uint32(e))
			if _, ok := found.seen[i]; !ok {
				found.seen[i] = struct{}{}
				found.Records = append(found.Records, i)
			}
		}
	}
}

// block is the entries with the key's token, cut after one more than the bound.
func (ix *Index) block(k Key) []uint64 {
	all, token := ix.blocks[k.Pass], tokenHash(k.Token)
	if len(all) == 0 {
		return nil
	}
	lo, hi := ix.starts[k.Pass][token>>16], ix.starts[k.Pass][token>>16+1]
	start := int(lo) + sort.Search(int(hi-lo), func(i int) bool { return uint32(all[int(lo)+i]>>32) >= token })
	end := start
	for end < int(hi) && uint32(all[end]>>32) == token && end-start <= k.Pass.Bound() {
		end++
	}
	return all[start:end]
}
