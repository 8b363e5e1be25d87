package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// printer writes for people or, with --json, for programs: one JSON document
// per command.
type printer struct {
	out  io.Writer
	json bool
}

// say writes a line for people; programs do not see it.
func (p *printer) say(format string, args ...any) {
	if !p.json {
		fmt.Fprintf(p.out, format+"\n", args...)
	}
}

// result writes the outcome for programs; people have been told by say.
func (p *printer) result(v any) error {
	if !p.json {
		return nil
	}
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
