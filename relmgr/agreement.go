package relmgr

import (
	"context"
	"errors"
	"strconv"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/seal"
)

// agreementKey is what registrars encrypt to in an epoch: AgreementKey and those after it.
func agreementKey(epoch int) seal.KeyID { return seal.KeyID("agree/relmgr/" + strconv.Itoa(epoch)) }

// agreements are the keys that there are, the newest first.
func (s *Service) agreements(ctx context.Context) (all []seal.KeyID, err error) {
	for epoch := 1; ; epoch++ {
		id := agreementKey(epoch)
		if _, err := s.keys.keys.AgreeKey(ctx, id); errors.Is(err, seal.ErrNoKey) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append([]seal.KeyID{id}, all...)
	}
}

// open decrypts a secret that a registrar encrypted to any of the keys. A process that
// has not heard of the newest looks again.
func (s *Service) open(ctx context.Context, jwe string) (attest.HubSecret, error) {
	secret, err := s.opener.Load().Open(ctx, jwe)
	if !errors.Is(err, attest.ErrStatement) {
		return secret, err
	}
	if changed := s.openAll(ctx); changed != nil {
		return attest.HubSecret{}, changed
	}
	return s.opener.Load().Open(ctx, jwe)
}

func (s *Service) openAll(ctx context.Context) error {
	ids, err := s.agreements(ctx)
	if err != nil {
		return err
	}
	o, err := attest.NewOpener(ctx, s.keys.keys, ids...)
	if err == nil {
		s.opener.Store(o)
	}
	return err
}

// RotateAgreement makes the next key that registrars encrypt to, and returns all, the
// newest first, to be published to them. What was encrypted to an older one goes on
// being read: nothing that is stored rests on any.
func (s *Service) RotateAgreement(ctx context.Context) (to attest.Recipients, err error) {
	defer fault.Wrap(&err, "relmgr.RotateAgreement")
	ids, err := s.agreements(ctx)
	if err != nil {
		return attest.Recipients{}, err
	}
	if err := s.keys.ensure(ctx, agreementKey(len(ids)+1), seal.KindAgree); err != nil {
		return attest.Recipients{}, err
	}
	if ids, err = s.agreements(ctx); err != nil {
		return attest.Recipients{}, err
	}
	return attest.RecipientKeys(ctx, s.keys.keys, ids...)
}
