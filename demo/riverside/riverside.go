package riverside

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/internal/ident"
)

var (
	//go:embed partnership.yaml
	partnershipFile []byte
	//go:embed people.yaml
	peopleFile []byte
)

// Partnership returns the partnership document of Riverside as YAML, a copy
// that the caller may change.
func Partnership() []byte { return slices.Clone(partnershipFile) }

// Person is a synthetic person, as the agencies' own files know them.
type Person struct {
	Name string `yaml:"name"` // never given to the hub
	Note string `yaml:"note"` // the person's part in the demo; never given to the hub
	// Identifiers is what each column calls the person.
	Identifiers map[ident.Column]string `yaml:"identifiers"`
	// Publishes lists the relationships that the demo publishes.
	Publishes []Publication `yaml:"publishes"`
	// Correlates lists the pairs of columns that the demo brings together.
	Correlates [][2]ident.Column `yaml:"correlates"`
	// Imposed is the ground of acts that rest on no consent, empty where the
	// person has consented.
	Imposed string `yaml:"imposed"`
	// Reason is why, for an imposed act.
	Reason string `yaml:"reason"`
	// Separates says that the demo takes the correlations apart again.
	Separates bool `yaml:"separates"`
	// Excludes lists the agencies that the person excludes.
	Excludes []ident.Agency `yaml:"excludes"`
}

// Publication is one relationship to publish.
type Publication struct {
	Column ident.Column `yaml:"column"`
	Role   string       `yaml:"role"`
	Offers []Offer      `yaml:"offers"`
}

// Offer is one standing statement in closed codes.
type Offer struct {
	Kind         string   `yaml:"kind"` // an OfferKind of openapi.yaml
	Transactions []string `yaml:"transactions"`
	Contact      string   `yaml:"contact"` // the code of a contact route of the column
}

// People reads the synthetic people.
func People() ([]Person, error) {
	d := yaml.NewDecoder(bytes.NewReader(peopleFile))
	d.KnownFields(true)
	var people []Person
	if err := d.Decode(&people); err != nil {
		return nil, fmt.Errorf("riverside: people.yaml: %w", err)
	}
	return people, nil
}
