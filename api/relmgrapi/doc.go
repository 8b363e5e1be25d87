// Package relmgrapi serves /relmgr/v1: it decodes what openapi.yaml describes,
// calls exactly one method of relmgr.Service, and encodes what comes back. No
// rule stands here.
//
// It sits on relmgr alone and must never import another duty.
package relmgrapi
