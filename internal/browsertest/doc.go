// Package browsertest gives tests a real browser. It is for tests alone: where there is
// none a test is skipped aloud on somebody's own machine, and fails in continuous
// integration.
package browsertest
