// Package yamldoc turns the YAML that people write into the JSON that a duty takes, and
// finds the lines again of what the duty refuses: for `fame apply` and the portal alike.
//
// It never repeats what was written, and knows nothing of what a document means.
package yamldoc
