package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/internal/fault"
)

// MaxSize is the size of the largest document that is read or written, in bytes.
const MaxSize = 4 << 20

// What a file may hold. An alias repeats what it names, so that a few lines of
// them can stand for gigabytes.
const (
	maxAliases = 100
	maxNodes   = 500_000 // each alias counted as what it stands for
	maxDepth   = 16      // deeper than any document
)

// JSON turns a YAML document into JSON. Dates stay the
// text that they are; a number that JSON would write otherwise (007, 1_000,
// 0x1f) becomes text, so that an identifier keeps its zeros. Keys given twice,
// merge keys, tags and documents after the first are refused, with a
// *fault.Error of kind Malformed that says the line.
//
// lines tells at which line of the text, counted from 1, the value at an RFC
// 6901 pointer stands, or else the nearest of its parents that exists. It can
// be called also where err is not nil.
func JSON(text []byte) (js []byte, lines func(pointer string) int, err error) {
	c := &converter{lines: map[string]int{"": 1}}
	if err := c.convert(text); err != nil {
		return nil, c.lineOf, err
	}
	return c.out.Bytes(), c.lineOf, nil
}

// escape makes a name a token of an RFC 6901 pointer.
var escape = strings.NewReplacer("~", "~0", "/", "~1")

// converter walks a YAML tree and writes JSON.
type converter struct {
	out     bytes.Buffer
	lines   map[string]int
	open    map[*yaml.Node]bool // anchors being written, to find one inside itself
	aliases int
	nodes   int
}

func (c *converter) lineOf(pointer string) int {
	for {
		if line, ok := c.lines[pointer]; ok {
			return line
		}
		cut := strings.LastIndexByte(pointer, '/')
		if cut < 0 {
			return 1
		}
		pointer = pointer[:cut]
	}
}

func (c *converter) convert(text []byte) error {
	if len(text) > MaxSize {
		return malformed("", 0, "write a file of at most 4 MiB")
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	switch err := d.Decode(&first); {
	case errors.Is(err, io.EOF):
		return malformed("", 0, "write a partnership document: the file is empty")
	case err != nil:
		return unreadable(text, err)
	}
	switch err := d.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return unreadable(text, err)
	default:
		return malformed("", second.Line, "end the file here: one document is read, and no more")
	}
	if first.Kind != yaml.DocumentNode || len(first.Content) != 1 {
		return malformed("", 0, "write a partnership document")
	}
	return c.node(first.Content[0], "", 0)
}

// lineInMessage finds the line that the YAML library complains of. Nothing else
// of its message is used: it may repeat the text.
var lineInMessage = regexp.MustCompile(`line ([0-9]+)`)

func unreadable(text []byte, err error) error {
	for i, line := range strings.Split(string(text), "\n") {
		if indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; strings.Contains(indent, "\t") {
			return malformed("", i+1, "indent with spaces, not with tabs")
		}
	}
	number := 0
	if m := lineInMessage.FindStringSubmatch(err.Error()); m != nil {
		number, _ = strconv.Atoi(m[1])
	}
	return malformed("", number, "write YAML: what stands about here cannot be read as that")
}

func malformed(pointer string, line int, detail string) *fault.Error {
	if line > 0 {
		detail = "line " + strconv.Itoa(line) + ": " + detail
	}
	e := fault.New(fault.Malformed, "%s", detail)
	e.Fields = []fault.Field{{Pointer: pointer, Detail: detail}}
	return e
}

// node writes one value.
func (c *converter) node(n *yaml.Node, at string, depth int) error {
	if _, known := c.lines[at]; !known {
		c.lines[at] = n.Line
	}
	if c.nodes++; c.nodes > maxNodes || c.out.Len() > MaxSize {
		return malformed(at, n.Line, "write fewer values or aliases: the file grows beyond 4 MiB here")
	}
	if depth > maxDepth {
		return malformed(at, n.Line, "write no more levels than the schema has")
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(n, at, depth)
	case yaml.SequenceNode:
		return c.sequence(n, at, depth)
	case yaml.ScalarNode:
		return c.scalar(n, at)
	case yaml.AliasNode:
		return c.alias(n, at, depth)
	default:
		return malformed(at, n.Line, "write a value")
	}
}

func (c *converter) alias(n *yaml.Node, at string, depth int) error {
	if c.aliases++; c.aliases > maxAliases {
		return malformed(at, n.Line, "use at most 100 aliases, or write the value out")
	}
	if n.Alias == nil || c.open[n.Alias] {
		return malformed(at, n.Line, "write the value out: an alias cannot stand inside what it names")
	}
	if c.open == nil {
		c.open = map[*yaml.Node]bool{}
	}
	c.open[n.Alias] = true
	defer delete(c.open, n.Alias)
	return c.node(n.Alias, at, depth)
}

func (c *converter) mapping(n *yaml.Node, at string, depth int) error {
	if tag := n.ShortTag(); tag != "!!map" {
		return malformed(at, n.Line, "leave the tag out")
	}
	seen := make(map[string]int, len(n.Content)/2)
	c.out.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null" {
			return malformed(at, key.Line, "write a plain name before the colon")
		}
		if key.ShortTag() == "!!merge" {
			return malformed(at, key.Line, "write the fields out: merge keys are not read")
		}
		here := at + "/" + escape.Replace(key.Value)
		if first, twice := seen[key.Value]; twice {
			return malformed(at, key.Line, "leave this field out: it stands at line "+strconv.Itoa(first)+" already")
		}
		seen[key.Value] = key.Line
		c.lines[here] = key.Line
		if i > 0 {
			c.out.WriteByte(',')
		}
		c.text(key.Value)
		c.out.WriteByte(':')
		if err := c.node(value, here, depth+1); err != nil {
			return err
		}
	}
	c.out.WriteByte('}')
	return nil
}

func (c *converter) sequence(n *yaml.Node, at string, depth int) error {
	if tag := n.ShortTag(); tag != "!!seq" {
		return malformed(at, n.Line, "leave the tag out")
	}
	c.out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			c.out.WriteByte(',')
		}
		if err := c.node(item, at+"/"+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	c.out.WriteByte(']')
	return nil
}

func (c *converter) scalar(n *yaml.Node, at string) error {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		c.text(n.Value)
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			c.out.WriteString(n.Value)
		} else {
			c.text(n.Value)
		}
	case "!!bool":
		c.out.WriteString(strings.ToLower(n.Value))
	case "!!null":
		c.out.WriteString("null")
	default:
		return malformed(at, n.Line, "leave the tag out, or quote the value")
	}
	return nil
}

// text writes a JSON string.
func (c *converter) text(s string) {
	b, _ := json.Marshal(s) // a string always has a form
	c.out.Write(b)
}
