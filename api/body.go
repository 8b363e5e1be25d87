package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fame-hub/fame/internal/fault"
)

// checkPath refuses, as Malformed, a path with an escaped slash or backslash,
// in which one reader sees a part more than another.
func checkPath(r *http.Request) error {
	escaped := strings.ToLower(r.URL.EscapedPath())
	if strings.Contains(escaped, "%2f") || strings.Contains(escaped, "%5c") {
		return fault.New(fault.Malformed, "write no slash inside a part of the path")
	}
	return nil
}

// checkTarget refuses, as Malformed, path parameters and queries with the
// characters that harm refuses, and queries that name what openapi.yaml does
// not: a parameter that the operation does not take, or one given twice.
func checkTarget(r *http.Request, op *operation, values []string) error {
	for _, v := range values {
		if why := harmIn(v); why != "" {
			return fault.New(fault.Malformed, "%s stands in the path: remove it", why)
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.Malformed, "write the query as name=value&name=value, with the rest percent-encoded")
	}
	for name, given := range query {
		switch {
		case !slices.Contains(op.query, name) && len(op.query) == 0:
			return fault.New(fault.Malformed, "this operation takes no query parameters: leave them out")
		case !slices.Contains(op.query, name):
			return fault.New(fault.Malformed, "this operation takes the query parameters %s alone: leave the others out",
				strings.Join(op.query, ", "))
		case len(given) > 1:
			return fault.New(fault.Malformed, "give the query parameter %s once", name)
		}
		if why := harmIn(given[0]); why != "" {
			return fault.New(fault.Malformed, "%s stands in the query parameter %s: remove it", why, name)
		}
	}
	return nil
}

// checkBody reads a body of at most limit bytes, checks it and hands the same
// bytes on. An operation that takes no body gets none.
func (c *contract) checkBody(w http.ResponseWriter, r *http.Request, op *operation, limit int64) error {
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return tooLarge(limit)
		}
		return fault.New(fault.Malformed, "the body did not arrive whole: send it again")
	}
	switch {
	case len(body) == 0 && op.body:
		return fault.New(fault.Malformed, "send a body of Content-Type application/json")
	case len(body) == 0:
		r.Body, r.ContentLength = http.NoBody, 0
		return nil
	case !op.body:
		return fault.New(fault.Malformed, "this operation takes no body: leave it out")
	}
	if err := checkContentType(r.Header); err != nil {
		return err
	}
	if err := checkJSON(body, c.knows); err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

func checkContentType(h http.Header) error {
	wrong := fault.New(fault.Malformed, "send the body as one plain Content-Type: application/json in UTF-8, without Content-Encoding")
	if len(h.Values("Content-Type")) != 1 || h.Get("Content-Encoding") != "" {
		return wrong
	}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return wrong
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return wrong
		}
	}
	return nil
}
