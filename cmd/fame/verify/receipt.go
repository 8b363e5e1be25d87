package verify

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	f_log "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// Receipt is what a receipt of a consent says, once its signature has been
// checked.
type Receipt struct {
	Issuer  string  `json:"issuer"`
	Consent string  `json:"consent"`
	Events  []Event `json:"events"`
}

// Event is one act that a receipt tells of.
type Event struct {
	Time       time.Time `json:"time"`
	State      string    `json:"state"`
	Commitment []byte    `json:"commitment"`
	// Position and Size say where in the log, and of how many, a proof has shown
	// the act. Position is -1 while none has.
	Position int64  `json:"position"`
	Size     uint64 `json:"size"`
}

// CheckReceipt checks a compact JWS with the published key set alone.
func CheckReceipt(token string, published []byte) (*Receipt, error) {
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(published, &keys); err != nil {
		return nil, errors.New("the published keys are not a JSON Web Key Set")
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, errors.New("this is not a signed receipt: it is no compact JWS, or is signed by another algorithm than ES256")
	}
	header := jws.Signatures[0].Header
	if header.ExtraHeaders[jose.HeaderType] != "fame-consent-receipt+jwt" {
		return nil, errors.New("this is signed, and no receipt of a consent")
	}
	found := keys.Key(header.KeyID)
	if len(found) != 1 || !found[0].IsPublic() {
		return nil, errors.New("the receipt is signed with a key that the hub has not published: get the hub's keys from somebody you trust")
	}
	payload, err := jws.Verify(found[0])
	if err != nil {
		return nil, errors.New("the signature does not verify: the receipt has been changed, or is not of this hub")
	}
	var said struct {
		Issuer  string `json:"iss"`
		Consent string `json:"record_id"`
		Events  []struct {
			Time       time.Time `json:"event_time"`
			State      string    `json:"event_state"`
			Commitment string    `json:"commitment"`
		} `json:"events"`
	}
	if err := json.Unmarshal(payload, &said); err != nil || said.Issuer == "" || len(said.Events) == 0 {
		return nil, errors.New("what is signed is not a receipt of this release")
	}
	r := &Receipt{Issuer: said.Issuer, Consent: said.Consent}
	for _, e := range said.Events {
		commitment, err := hex.DecodeString(e.Commitment)
		if err != nil || len(commitment) != 0 && len(commitment) != 32 {
			return nil, errors.New("what is signed is not a receipt of this release")
		}
		r.Events = append(r.Events, Event{Time: e.Time, State: e.State, Commitment: commitment, Position: -1})
	}
	return r, nil
}

// CheckProof checks a C2SP tlog-proof with the log's public key, and notes which
// of the receipt's acts it is of. The log must be the issuer's.
func (r *Receipt) CheckProof(text []byte, vkey string) error {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("the log's public key cannot be read: %w", err)
	}
	_, host, _ := strings.Cut(r.Issuer, "://")
	if strings.TrimRight(host, "/")+"/log/v1" != key.Name() {
		return errors.New("the key is of another hub's log than the receipt's")
	}
	var p proof.TLogProof
	if err := p.Unmarshal(text); err != nil {
		return errors.New("this is not a C2SP tlog-proof")
	}
	n, err := note.Open(p.Checkpoint, note.VerifierList(key))
	if err != nil {
		return errors.New("the checkpoint in the proof is not signed by the hub's log")
	}
	var head f_log.Checkpoint
	if _, err := head.Unmarshal([]byte(n.Text)); err != nil || head.Origin != key.Name() {
		return errors.New("the checkpoint in the proof is of another log")
	}
	path := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		path[i] = p.Hashes[i][:]
	}
	for i, e := range r.Events {
		if len(e.Commitment) == 32 && merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, head.Size, rfc6962.DefaultHasher.HashLeaf(e.Commitment), path, head.Hash) == nil {
			r.Events[i].Position, r.Events[i].Size = int64(p.Index), head.Size
			return nil
		}
	}
	return errors.New("the proof is of none of the acts that the receipt tells of")
}
