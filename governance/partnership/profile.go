package partnership

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/fame-hub/fame/consent/decide"
)

//go:embed profiles/*.yaml
var profileFiles embed.FS

// profiles reads the embedded files once. They are part of the program, so a
// file that cannot be read is a fault of the build and a test finds it.
var profiles = sync.OnceValue(func() map[string]decide.Profile {
	files, err := profileFiles.ReadDir("profiles")
	if err != nil {
		panic(err)
	}
	all := make(map[string]decide.Profile, len(files))
	for _, f := range files {
		p, err := readProfile("profiles/" + f.Name())
		if err != nil {
			panic(fmt.Errorf("law profile %s: %w", f.Name(), err))
		}
		all[p.ID] = p
	}
	return all
})

func readProfile(name string) (p decide.Profile, err error) {
	text, err := profileFiles.ReadFile(name)
	if err != nil {
		return p, err
	}
	js, _, err := FromYAML(text)
	if err != nil {
		return p, err
	}
	d := json.NewDecoder(strings.NewReader(string(js)))
	d.DisallowUnknownFields()
	return p, d.Decode(&p)
}

// LawProfile returns the built-in law profile of that id.
func LawProfile(id string) (decide.Profile, bool) {
	p, ok := profiles()[id]
	p.Ordinary, p.Sensitive = slices.Clone(p.Ordinary), slices.Clone(p.Sensitive)
	p.Orders, p.Competence = slices.Clone(p.Orders), slices.Clone(p.Competence)
	return p, ok
}

// LawProfiles lists the ids of the built-in law profiles, in order.
func LawProfiles() []string {
	ids := make([]string, 0, len(profiles()))
	for id := range profiles() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
