package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// birthsCommand is a fake of a register of births, at the edge of the world: a process
// of its own, which a registrar reaches by the URL in its configuration
// (second_level) and by nothing else, and in whose place a real one is written there.
type birthsCommand struct {
	Listen string `help:"Where to serve." default:"127.0.0.1:8499"`
	File   string `arg:"" help:"Its entries, as YAML: a list of reference, given, family, date and place." type:"existingfile"`
}

type birthEntry struct {
	Reference string `yaml:"reference" json:"reference"`
	Given     string `yaml:"given" json:"given"`
	Family    string `yaml:"family" json:"family"`
	Date      string `yaml:"date" json:"date"`
	Place     string `yaml:"place" json:"place"`
}

// Run serves the fake until it is told to stop.
func (c *birthsCommand) Run(ctx context.Context, out *printer) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	var entries []birthEntry
	if err := yaml.Unmarshal(text, &entries); err != nil {
		return errors.New("the file is not a list of entries: write reference, given, family, date and place of each")
	}
	out.say("A FAKE register of births with %d entries is at http://%s. Name it under second_level in registrar.yaml.", len(entries), c.Listen)
	server := &http.Server{Addr: c.Listen, Handler: birthsHandler(entries), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the fake register of births: %w", err)
	}
	return nil
}

// birthsHandler answers whether an entry says what was sent: POST /v1/births/check.
func birthsHandler(entries []birthEntry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/births/check", func(w http.ResponseWriter, r *http.Request) {
		var asked birthEntry
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10)).Decode(&asked); err != nil {
			http.Error(w, "write given, family, date and place as JSON", http.StatusBadRequest)
			return
		}
		said := struct {
			Confirmed bool   `json:"confirmed"`
			Reference string `json:"reference,omitempty"`
		}{}
		for _, e := range entries {
			if strings.EqualFold(e.Given, asked.Given) && strings.EqualFold(e.Family, asked.Family) && e.Date == asked.Date {
				said.Confirmed, said.Reference = true, e.Reference
				break
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(said)
	})
	return mux
}
