package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

// leafOf is a commitment of the tests' own.
func leafOf(i int) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(i))
	sum := sha256.Sum256(b[:])
	return sum[:]
}

// ACT-09: at every size the tiles are those of tlog-tiles and hash to the root
// that another implementation computes from the leaves alone.
func TestTheTreeIsThatOfRFC6962AtEverySize(t *testing.T) {
	t.Parallel()
	last := 70_000 // the example of tlog-tiles: 273 full tiles, 112 hashes over, three levels
	if testing.Short() {
		last = 3_000
	}
	e, err := newEdge(0, tlog.Hash{}, map[tileID][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	other := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for i := range last {
		e.add(tlog.RecordHash(leafOf(i)))
		if err := other.Append(rfc6962.DefaultHasher.HashLeaf(leafOf(i)), nil); err != nil {
			t.Fatal(err)
		}
		want, err := other.GetRootHash(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.root(); string(got[:]) != string(want) {
			t.Fatalf("the root of %d leaves is %x, want %x", i+1, got, want)
		}
		if i%997 != 0 {
			continue
		}
		// What a next batch would begin from: the edge alone.
		tiles := map[tileID][]byte{}
		for id := range edgeTiles(e.size) {
			tiles[id] = e.tiles[id]
		}
		if _, err := newEdge(e.size, e.root(), tiles); err != nil {
			t.Fatalf("the edge of %d leaves: %v", e.size, err)
		}
	}
	if last != 70_000 {
		return
	}
	widths := map[tileID]int{}
	for id, b := range e.tiles {
		widths[id] = len(b) / hashSize
	}
	for id, want := range map[tileID]int{{0, 272}: 256, {0, 273}: 112, {1, 0}: 256, {1, 1}: 17, {2, 0}: 1} {
		if widths[id] != want {
			t.Errorf("tile %v holds %d hashes, want %d", id, widths[id], want)
		}
	}
}

func TestNothingIsAddedToATreeThatWasTamperedWith(t *testing.T) {
	t.Parallel()
	e, _ := newEdge(0, tlog.Hash{}, map[tileID][]byte{})
	for i := range 600 {
		e.add(tlog.RecordHash(leafOf(i)))
	}
	edgeOf := func(change func(map[tileID][]byte)) error {
		tiles := map[tileID][]byte{}
		for id := range edgeTiles(600) {
			tiles[id] = append([]byte(nil), e.tiles[id]...)
		}
		change(tiles)
		_, err := newEdge(600, e.root(), tiles)
		return err
	}
	if err := edgeOf(func(map[tileID][]byte) {}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[tileID][]byte){
		"one byte":    func(m map[tileID][]byte) { m[tileID{0, 2}][100] ^= 1 },
		"upper level": func(m map[tileID][]byte) { m[tileID{1, 0}][0] ^= 1 },
		"short":       func(m map[tileID][]byte) { m[tileID{0, 2}] = m[tileID{0, 2}][:32] },
		"missing":     func(m map[tileID][]byte) { delete(m, tileID{1, 0}) },
	} {
		if edgeOf(change) == nil {
			t.Errorf("%s: nobody noticed", name)
		}
	}
}
