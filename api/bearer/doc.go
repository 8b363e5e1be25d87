// Package bearer is what whoever asks several duties needs beside their generated
// clients: one bearer in the type that each client asks for, and the problem in the error
// that any of them returns. The portal and the fame command are such.
//
// It must never import a duty, nor keep what it bears.
package bearer
