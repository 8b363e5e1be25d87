// Package registers is the register of registrars as hubs state it to each other: which
// registrar answers for which identifier space, with which keys, how well it does, and since
// when; suspended and removed entries too (FED-08). A register is signed as a whole and read
// in pages.
//
// What it may hold is a closed list, and a test insists: registrars, never people and never
// a question about one (FED-09, FED-28). It owns no table and fetches nothing.
package registers
