package serve

import (
	"net/http"
	"strings"
)

// Mount gives each request to the handler of the longest prefix that its path
// equals or continues after a slash, and to rest where there is none; a nil
// rest answers 404.
//
// http.ServeMux is not used: it redirects a path that it finds untidy, and the
// redirect repeats the path, which the hub's answers never do.
func Mount(rest http.Handler, prefixes map[string]http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		longest, to := "", rest
		for prefix, h := range prefixes {
			tail, ok := strings.CutPrefix(r.URL.Path, prefix)
			if ok && (tail == "" || tail[0] == '/') && len(prefix) > len(longest) {
				longest, to = prefix, h
			}
		}
		if to == nil {
			writeProblem(w)
			return
		}
		to.ServeHTTP(w, r)
	})
}

// writeProblem answers as the edge does for a path that nobody serves.
func writeProblem(w http.ResponseWriter) {
	writeAs(w, "application/problem+json", http.StatusNotFound, map[string]any{
		"type": "docs/problems.md#not-known", "title": "There is nothing here that you may know of",
		"status": http.StatusNotFound, "request": "", "detail": "see openapi.yaml for the paths that are served",
	})
}
