package relmgr

// NewCode draws a code of the right form that opens nothing.
var NewCode = newCode
