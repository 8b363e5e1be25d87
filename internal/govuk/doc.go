// Package govuk serves the style of GOV.UK Frontend to the pages of the hub: those of
// sign-in and those of the portal. The file is written by tools/govuk, which names the
// version of the npm package that it is of.
//
// It holds no page and knows nobody.
package govuk
