// Package idmgrapi serves /idmgr/v1: it decodes what openapi.yaml describes, calls
// exactly one method of idmgr.Service, and encodes what comes back. No rule stands
// here.
//
// It sits on idmgr alone and must never import another duty. Its requests are logged
// without the name of whoever sent them: two who turn to an identity manager minutes
// apart would be as good as linked.
package idmgrapi
