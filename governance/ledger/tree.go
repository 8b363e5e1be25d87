package ledger

import (
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// The shape of C2SP tlog-tiles.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	hashSize   = sha256.Size
)

// tileID names a tile: its level and its number within it.
type tileID struct {
	level  int16
	number int64
}

// edge is what of a tree is needed to add leaves to it: of each level the tile
// that is not full. It does the arithmetic of tlog-tiles and stores nothing.
type edge struct {
	size    int64
	tiles   map[tileID][]byte // as they are now
	changed map[tileID]bool
}

// edgeTiles lists the tiles at the edge of a tree, and how many hashes each
// has. A level whose last tile is full has none.
func edgeTiles(size int64) map[tileID]int {
	widths := map[tileID]int{}
	for level, n := int16(0), size; n > 0; level, n = level+1, n>>tileHeight {
		if w := int(n % tileWidth); w > 0 {
			widths[tileID{level, n >> tileHeight}] = w
		}
	}
	return widths
}

// newEdge refuses tiles that are not those of the edge, or do not hash to root:
// nothing is ever added to a tree that was tampered with.
func newEdge(size int64, root tlog.Hash, tiles map[tileID][]byte) (*edge, error) {
	for id, width := range edgeTiles(size) {
		if got := len(tiles[id]); got != width*hashSize {
			return nil, fmt.Errorf("ledger: tile %d/%d has %d bytes where a tree of %d leaves has %d", id.level, id.number, got, size, width*hashSize)
		}
	}
	e := &edge{size: size, tiles: tiles, changed: map[tileID]bool{}}
	if size > 0 && e.root() != root {
		return nil, fmt.Errorf("ledger: the tiles do not hash to the root of the newest checkpoint, of %d leaves", size)
	}
	return e, nil
}

// add puts one leaf at the end.
func (e *edge) add(leaf tlog.Hash) {
	h := leaf
	for level, n := int16(0), e.size; ; level, n = level+1, n>>tileHeight {
		id := tileID{level, n >> tileHeight}
		e.tiles[id] = append(e.tiles[id], h[:]...)
		e.changed[id] = true
		if n%tileWidth != tileWidth-1 {
			break
		}
		h = fold(e.tiles[id])
	}
	e.size++
}

// root is the Merkle tree hash of RFC 6962 section 2.1: the perfect subtrees of
// the edge, joined from the right.
func (e *edge) root() tlog.Hash {
	var sum tlog.Hash
	first := true
	for level, n := int16(0), e.size; n > 0; level, n = level+1, n>>tileHeight {
		tile, end := e.tiles[tileID{level, n >> tileHeight}], int(n%tileWidth)
		for width := 1; end > 0; width *= 2 {
			if end&width == 0 {
				continue
			}
			h := fold(tile[(end-width)*hashSize : end*hashSize])
			if end -= width; first {
				sum, first = h, false
			} else {
				sum = tlog.NodeHash(h, sum)
			}
		}
	}
	return sum
}

// fold is the root of a perfect subtree whose nodes stand side by side.
func fold(nodes []byte) tlog.Hash {
	if len(nodes) == hashSize {
		return tlog.Hash(nodes)
	}
	half := len(nodes) / 2
	return tlog.NodeHash(fold(nodes[:half]), fold(nodes[half:]))
}
