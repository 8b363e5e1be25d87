// Package npmtest gives tests the packages of npm that they try us against: other
// people's implementations of what we speak, and judges of our pages.
//
// It is for tests alone. What cannot be had is skipped aloud on somebody's own machine,
// and fails in continuous integration, where what is skipped is believed to be tested.
package npmtest
