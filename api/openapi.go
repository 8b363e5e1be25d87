package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// contract is what the edge must know of openapi.yaml: which operations there
// are, which query parameters each takes, whether it takes a body and a token,
// and which names its schemas use.
type contract struct {
	operations []*operation
	names      map[string]bool // of every property of every schema
}

// operation is one method of one path.
type operation struct {
	id       string
	method   string
	template string
	segments []string // of template; empty for a path parameter
	query    []string // in the order of openapi.yaml
	body     bool
	secured  bool
}

// The part of an OpenAPI document that is read.
type (
	oasDocument struct {
		Security   []map[string]any                `yaml:"security"`
		Paths      map[string]map[string]yaml.Node `yaml:"paths"`
		Components struct {
			Parameters map[string]oasParameter `yaml:"parameters"`
		} `yaml:"components"`
	}
	oasOperation struct {
		ID         string            `yaml:"operationId"`
		Security   *[]map[string]any `yaml:"security"`
		Parameters []oasParameter    `yaml:"parameters"`
		Body       yaml.Node         `yaml:"requestBody"`
	}
	oasParameter struct {
		Ref  string `yaml:"$ref"`
		Name string `yaml:"name"`
		In   string `yaml:"in"`
	}
)

var oasMethods = []string{
	http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodHead, http.MethodOptions,
}

// readContract reads an OpenAPI document.
func readContract(text []byte) (*contract, error) {
	var doc oasDocument
	var root yaml.Node
	if err := errors.Join(yaml.Unmarshal(text, &doc), yaml.Unmarshal(text, &root)); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	c := &contract{names: make(map[string]bool)}
	for template, item := range doc.Paths {
		var shared []oasParameter
		if node, ok := item["parameters"]; ok {
			if err := node.Decode(&shared); err != nil {
				return nil, fmt.Errorf("read the parameters of %s: %w", template, err)
			}
		}
		for _, method := range oasMethods {
			node, ok := item[strings.ToLower(method)]
			if !ok {
				continue
			}
			var given oasOperation
			if err := node.Decode(&given); err != nil {
				return nil, fmt.Errorf("read %s %s: %w", method, template, err)
			}
			op := &operation{id: given.ID, method: method, template: template, body: !given.Body.IsZero()}
			op.secured = len(doc.Security) > 0
			if given.Security != nil {
				op.secured = len(*given.Security) > 0
			}
			for _, s := range strings.Split(template, "/") {
				if strings.HasPrefix(s, "{") {
					s = ""
				}
				op.segments = append(op.segments, s)
			}
			for _, p := range append(slices.Clone(shared), given.Parameters...) {
				if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
					p = doc.Components.Parameters[name]
				}
				if p.Name == "" {
					return nil, fmt.Errorf("a parameter of %s %s has no name", method, template)
				}
				if p.In == "query" {
					op.query = append(op.query, p.Name)
				}
			}
			c.operations = append(c.operations, op)
		}
	}
	if len(c.operations) == 0 {
		return nil, errors.New("the OpenAPI document has no operation: pass fame.OpenAPI")
	}
	c.collectNames(&root)
	return c, nil
}

// collectNames takes every name under a "properties" mapping.
func (c *contract) collectNames(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Value == "properties" && value.Kind == yaml.MappingNode {
				for j := 0; j < len(value.Content); j += 2 {
					c.names[value.Content[j].Value] = true
				}
			}
		}
	}
	for _, child := range n.Content {
		c.collectNames(child)
	}
}

func (c *contract) knows(name string) bool { return c.names[name] }

// find returns the operation of the request below prefix, and the values of
// its path parameters. Where the path is there and the method is not, it
// returns the methods instead.
func (c *contract) find(prefix, method, path string) (op *operation, values, methods []string) {
	if !strings.HasPrefix(path, prefix+"/") {
		return nil, nil, nil
	}
	segments := strings.Split(path, "/")
	for _, o := range c.operations {
		if !strings.HasPrefix(o.template, prefix+"/") || len(o.segments) != len(segments) {
			continue
		}
		var vars []string
		matches := true
		for i, want := range o.segments {
			switch {
			case i > 0 && want == "":
				vars = append(vars, segments[i])
				matches = matches && segments[i] != ""
			case want != segments[i]:
				matches = false
			}
		}
		switch {
		case !matches:
		case o.method == method:
			return o, vars, nil
		default:
			methods = append(methods, o.method)
		}
	}
	slices.Sort(methods)
	return nil, nil, methods
}

func (c *contract) has(id string) bool {
	return slices.ContainsFunc(c.operations, func(o *operation) bool { return o.id == id })
}
