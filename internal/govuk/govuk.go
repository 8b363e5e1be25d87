package govuk

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
)

//go:embed govuk.css
var style []byte

// Style writes the style sheet.
func Style(w http.ResponseWriter, r *http.Request) { sheet().ServeHTTP(w, r) }

var sheet = sync.OnceValue(func() http.Handler { return Static("text/css; charset=utf-8", style) })

// Static serves one file that does not change while the process runs, compressed for
// whoever takes that, which is a seventh of a style sheet. Browsers keep it for an
// hour and ask then whether it is another.
func Static(kind string, text []byte) http.Handler {
	var small bytes.Buffer
	z, _ := gzip.NewWriterLevel(&small, gzip.BestCompression) // the level is one of gzip's
	_, _ = z.Write(text)                                      // a buffer takes it all
	_ = z.Close()
	sum := sha256.Sum256(text)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:9]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", tag)
		h.Add("Vary", "Accept-Encoding")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			_, _ = w.Write(small.Bytes())
			return
		}
		_, _ = w.Write(text)
	})
}
