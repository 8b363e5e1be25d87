package federationapi

import (
	"context"

	oas "github.com/fame-hub/fame/api/federationoas"
)

// PassToRegistrar is federation.Service.Pass.
func (h handlers) PassToRegistrar(ctx context.Context, req *oas.PassRequest) (*oas.Pass, error) {
	token, expires, err := h.service.Pass(ctx, caller(ctx), string(req.Hub), string(req.Purpose))
	if err != nil {
		return nil, err
	}
	return &oas.Pass{Pass: token, Expires: expires}, nil
}
