package verify

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// proofOf is a proof of one of two leaves, and the key that signed it.
func proofOf(t testing.TB) (vkey string, commitment, text []byte) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, "hub.example/log/v1")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	a, b := sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))
	left, right := rfc6962.DefaultHasher.HashLeaf(a[:]), rfc6962.DefaultHasher.HashLeaf(b[:])
	root := rfc6962.DefaultHasher.HashChildren(left, right)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("hub.example/log/v1\n2\n%s\n", base64.StdEncoding.EncodeToString(root))}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return vkey, b[:], fmt.Appendf(nil, "c2sp.org/tlog-proof@v1\nindex 1\n%s\n\n%s", base64.StdEncoding.EncodeToString(left), signed)
}

func receiptOf(commitment []byte) *Receipt {
	return &Receipt{Issuer: "https://hub.example", Events: []Event{{Commitment: commitment, Position: -1}}}
}

func TestAProofIsOfTheReceiptsActAndOfItsHubsLog(t *testing.T) {
	t.Parallel()
	vkey, commitment, text := proofOf(t)
	r := receiptOf(commitment)
	if err := r.CheckProof(text, vkey); err != nil || r.Events[0].Position != 1 || r.Events[0].Size != 2 {
		t.Errorf("%v: %+v", err, r.Events)
	}
	other := sha256.Sum256([]byte("c"))
	elsewhere := receiptOf(commitment)
	elsewhere.Issuer = "https://other.example"
	for name, err := range map[string]error{
		"another act":  receiptOf(other[:]).CheckProof(text, vkey),
		"no act":       receiptOf(nil).CheckProof(text, vkey),
		"another hub":  elsewhere.CheckProof(text, vkey),
		"no key":       receiptOf(commitment).CheckProof(text, "x"),
		"cut short":    receiptOf(commitment).CheckProof(text[:len(text)-10], vkey),
		"not a proof":  receiptOf(commitment).CheckProof([]byte("x"), vkey),
		"another tree": receiptOf(commitment).CheckProof(append([]byte("c2sp.org/tlog-proof@v1\nindex 0\n"), text[len("c2sp.org/tlog-proof@v1\nindex 1\n"):]...), vkey),
	} {
		if err == nil {
			t.Errorf("%s: the proof passes", name)
		}
	}
}

// No proof but one of the act, under the log's own signature, passes.
func FuzzProof(f *testing.F) {
	vkey, commitment, text := proofOf(f)
	f.Add(text)
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\nhub.example/log/v1\n2\nAAAA\n\n— hub.example/log/v1 AAAAAA==\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 18446744073709551615\n\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := receiptOf(commitment)
		if r.CheckProof(b, vkey) == nil && (r.Events[0].Position != 1 || r.Events[0].Size != 2) {
			t.Errorf("%q proves %+v", b, r.Events)
		}
		if r := receiptOf(rfc6962.DefaultHasher.EmptyRoot()); r.CheckProof(b, vkey) == nil {
			t.Errorf("%q proves what is not there", b)
		}
	})
}

// No receipt passes but one that a published key signed.
func FuzzReceipt(f *testing.F) {
	f.Add("a.b.c", []byte(`{"keys":[]}`))
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6ImZhbWUtY29uc2VudC1yZWNlaXB0K2p3dCJ9.e30.AAAA", []byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add("eyJhbGciOiJub25lIn0.e30.", []byte(`{"keys":[{"kty":"oct","k":"AA"}]}`))
	f.Fuzz(func(t *testing.T, token string, keys []byte) {
		if r, err := CheckReceipt(token, keys); (r == nil) != (err != nil) {
			t.Errorf("%v, %v", r, err)
		}
	})
}
