package registrar

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

// recordOf is what of a person's items can be compared.
func recordOf(items []Item) (r match.Record) {
	for _, i := range items {
		switch {
		case i.Name != nil:
			r.Names = append(r.Names, match.Name{Given: i.Name.Given, Family: i.Name.Family, Parts: i.Name.Whole})
		case i.Birth != nil:
			d := match.ParseDate(i.Birth.Date, match.YearFirst)
			d.Within = i.Birth.Within
			r.Births = append(r.Births, d)
		case i.Sex != "":
			r.Sex = i.Sex
		case i.Address != nil:
			a := i.Address
			r.Addresses = append(r.Addresses, match.Address{House: a.House, Lines: a.Lines, Locality: a.Locality, Region: a.Region, Postcode: a.Postcode})
		case i.Phone != "":
			r.Phones = append(r.Phones, i.Phone)
		case i.Email != "":
			r.Emails = append(r.Emails, i.Email)
		case i.Identifier != nil:
			r.Identifiers = append(r.Identifiers, match.Identifier{Scheme: i.Identifier.Scheme, Value: i.Identifier.Value})
		}
	}
	return r
}

// tokens are the form's keys as they are stored and looked up in each of the epochs:
// 64 bits of an HMAC that covers the register and the pass, so that no two registers,
// and no two ways of looking, share any.
func (s *Service) tokens(ctx context.Context, register ident.Register, keys []match.Key, of epochs) ([]int64, error) {
	var all []int64
	for epoch := of.reading; epoch <= of.writing; epoch++ {
		for _, k := range keys {
			mac, err := s.mac(ctx, epoch, "fame/find/1\x00"+string(register)+"\x00"+strconv.Itoa(int(k.Pass))+"\x00"+k.Token)
			if err != nil {
				return nil, err
			}
			all = append(all, int64(binary.BigEndian.Uint64(mac[:8])))
		}
	}
	return all, nil
}

// project stores what a person is found and compared by, from the items as they are
// now, in place of what was.
func (s *Service) project(ctx context.Context, tx *sql.Tx, register ident.Register, subject ident.Subject, dek seal.DEK, items []Item) error {
	if err := s.dropTokens(ctx, tx, register, subject, dek); err != nil {
		return err
	}
	record := recordOf(items)
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	sealed, err := seal.Seal(dek, subject[:], text)
	if err != nil {
		return err
	}
	e, err := s.hold(ctx, tx)
	if err != nil {
		return err
	}
	tokens, err := s.tokens(ctx, register, match.Normalise(record).Keys(), e)
	if err != nil {
		return err
	}
	if err := s.queries.PutProfile(ctx, tx, registrardb.PutProfileParams{
		SubjectID: subject, Sealed: sealed, Oldest: int32(e.reading), Newest: int32(e.writing),
	}); err != nil {
		return err
	}
	if err := s.queries.PutTokens(ctx, tx, registrardb.PutTokensParams{Tokens: tokens, SubjectID: ident.UntypedID(subject)}); err != nil {
		return err
	}
	return s.queries.Unsearched(ctx, tx, subject)
}

// dropTokens has a person be found no more by what was known of them.
func (s *Service) dropTokens(ctx context.Context, tx *sql.Tx, register ident.Register, subject ident.Subject, dek seal.DEK) error {
	old, err := s.queries.FindProfile(ctx, tx, subject)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	was, err := openProfile(dek, subject, old.Sealed)
	if err != nil {
		return err
	}
	tokens, err := s.tokens(ctx, register, match.Normalise(was).Keys(), epochs{int(old.Oldest), int(old.Newest)})
	if err != nil {
		return err
	}
	return s.queries.DropTokens(ctx, tx, registrardb.DropTokensParams{Tokens: tokens, SubjectID: subject})
}

func openProfile(dek seal.DEK, subject ident.Subject, sealed []byte) (r match.Record, err error) {
	text, err := seal.Open(dek, subject[:], sealed)
	if err == nil && json.Unmarshal(text, &r) != nil {
		err = errors.New("a profile that opens is not JSON") // what it says may be of the person
	}
	return r, err
}

// claim takes the identifiers among new items for the person, each of which is one
// person's in a register (REG-10). Conflict where another entry has one.
func (s *Service) claim(ctx context.Context, tx *sql.Tx, register ident.Register, items []Item, sealed []sealedItem) error {
	e, err := s.hold(ctx, tx)
	if err != nil {
		return err
	}
	for n, i := range items {
		if i.Identifier == nil {
			continue
		}
		tokens, err := s.slots(ctx, register, i.Identifier, e)
		if err != nil {
			return err
		}
		got, err := s.queries.InsertIdentifier(ctx, tx, registrardb.InsertIdentifierParams{
			Token: tokens.odd, TokenB: tokens.even, ItemID: sealed[n].Item, Oldest: int32(e.reading), Newest: int32(e.writing),
		})
		if err != nil {
			return err
		}
		if got == 0 {
			f := fault.New(fault.Conflict, "another entry has this identifier: recognise the person first, and change that entry, or find out whose it is")
			f.Fields = []fault.Field{{Pointer: "/items/" + strconv.Itoa(n) + "/identifier", Detail: "an identifier is one person's"}}
			return f
		}
	}
	return nil
}

// slots are an identifier's tokens: of the odd epoch and of the even one, nil where
// the epochs have none.
type slots struct{ odd, even []byte }

func (s *Service) slots(ctx context.Context, register ident.Register, i *Identifier, of epochs) (all slots, err error) {
	for epoch := of.reading; epoch <= of.writing; epoch++ {
		token, err := s.identifierToken(ctx, register, i, epoch)
		if err != nil {
			return slots{}, err
		}
		if epoch%2 == 1 {
			all.odd = token
		} else {
			all.even = token
		}
	}
	return all, nil
}

func (s *Service) identifierToken(ctx context.Context, register ident.Register, i *Identifier, epoch int) ([]byte, error) {
	mac, err := s.mac(ctx, epoch, "fame/identifier/1\x00"+string(register)+"\x00"+i.Scheme+"\x00"+i.Value)
	return mac[:], err
}

// itemsOf opens what is known of a person now, the oldest first.
func (s *Service) itemsOf(ctx context.Context, db registrardb.DBTX, subject ident.Subject, dek seal.DEK) ([]Kept, error) {
	rows, err := s.queries.ListItems(ctx, db, subject)
	if err != nil {
		return nil, pg.Fault(err)
	}
	all := make([]Kept, len(rows))
	for n, r := range rows {
		item, err := openItem(dek, r.ItemID, r.Sealed)
		if err != nil {
			return nil, err
		}
		all[n] = Kept{ID: r.ItemID, Kind: r.Kind, RecordedAt: r.RecordedAt.UTC(), RecordedBy: r.RecordedBy, Act: r.ActID, Item: item}
	}
	return all, nil
}

// openItem opens one item of a person's.
func openItem(dek seal.DEK, id ident.ItemID, sealed []byte) (item Item, err error) {
	text, err := seal.Open(dek, id[:], sealed)
	if err == nil && json.Unmarshal(text, &item) != nil {
		err = errors.New("an item that opens is not JSON") // likewise
	}
	return item, err
}

// sealItems seals each item under the person's data key, in its own place.
func sealItems(dek seal.DEK, subject ident.Subject, items []Item) ([]sealedItem, error) {
	all := make([]sealedItem, len(items))
	for n := range items {
		text, err := json.Marshal(&items[n])
		if err != nil {
			return nil, err
		}
		id := ident.NewItem()
		body, err := seal.Seal(dek, id[:], text)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		all[n] = sealedItem{Item: id, Subject: subject, Kind: items[n].kind(), Hash: hex.EncodeToString(sum[:]), body: body}
	}
	return all, nil
}

func (s *Service) insertItems(ctx context.Context, tx *sql.Tx, act ident.ActID, items []sealedItem) error {
	for _, i := range items {
		if err := s.queries.InsertItem(ctx, tx, registrardb.InsertItemParams{
			ItemID: i.Item, SubjectID: i.Subject, ActID: act, Kind: i.Kind, Sealed: i.body,
		}); err != nil {
			return err
		}
	}
	return nil
}
