// Package federation is how hubs meet. Nothing of it is built yet: its schema,
// its database role and the walls around them stand, and this text says what may
// come in.
//
// It will own entity statements, the register of registrars, enquiries along
// axles in and out, and recourse.
//
// It must never see anything that is not in a request or its answer, and an
// answer is decided by the answering hub's own policy alone (FED-31).
package federation
