package api

import (
	"container/list"
	"sync"
)

// lru is a map of bounded size that forgets what was used longest ago. It is
// safe for concurrent use.
type lru[K comparable, V any] struct {
	mu    sync.Mutex
	size  int
	order *list.List // of *entry[K, V], last used first
	by    map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{size: size, order: list.New(), by: make(map[K]*list.Element)}
}

func (l *lru[K, V]) get(key K) (value V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.by[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*entry[K, V]).value, true
}

func (l *lru[K, V]) put(key K, value V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(key, value)
}

// getOrPut returns what key has, or gives it what fresh makes.
func (l *lru[K, V]) getOrPut(key K, fresh func() V) V {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.by[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*entry[K, V]).value
	}
	value := fresh()
	l.set(key, value)
	return value
}

func (l *lru[K, V]) drop(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.by[key]; ok {
		l.order.Remove(e)
		delete(l.by, key)
	}
}

func (l *lru[K, V]) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.by)
}

// set needs mu.
func (l *lru[K, V]) set(key K, value V) {
	if e, ok := l.by[key]; ok {
		e.Value.(*entry[K, V]).value = value
		l.order.MoveToFront(e)
		return
	}
	l.by[key] = l.order.PushFront(&entry[K, V]{key, value})
	for len(l.by) > l.size {
		oldest := l.order.Back()
		l.order.Remove(oldest)
		delete(l.by, oldest.Value.(*entry[K, V]).key)
	}
}
