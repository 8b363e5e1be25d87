package ident

import (
	"crypto/rand"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
)

// ID is a random 128-bit identifier of one kind of thing. The zero ID names
// nothing and is stored as NULL.
type ID[K any] [16]byte

type (
	handle    struct{}
	act       struct{}
	reference struct{}
	decision  struct{}
	enquiry   struct{}
	delivery  struct{}
	notice    struct{}
	complaint struct{}
	review    struct{}
	declared  struct{}
	consent   struct{}
	exclusion struct{}
	block     struct{}
	request   struct{}
	pairing   struct{}
	importing struct{}
	statement struct{}
	recognise struct{}
	link      struct{}
	subject   struct{}
	item      struct{}
	check     struct{}
	account   struct{}
	authentic struct{}
	task      struct{}
	effect    struct{}
	recourse  struct{}
	peer      struct{}
	row       struct{}
	untyped   struct{}
)

type (
	// HandleID is relmgr's random id for one (column, identifier).
	HandleID = ID[handle]
	// ActID names an act inside its duty; no agency is ever shown one.
	ActID = ID[act]
	// ReferenceID is what one agency is shown in place of an act.
	ReferenceID = ID[reference]
	// DecisionID names a recorded four-step decision.
	DecisionID = ID[decision]
	// EnquiryID names one question asked by one practitioner.
	EnquiryID = ID[enquiry]
	// DeliveryID is what one holder is shown of a contact request that reached it.
	DeliveryID = ID[delivery]
	// NoticeID is what one column is shown of a notice that waits for it.
	NoticeID = ID[notice]
	// ComplaintID names what a person complains of, to them and to whoever answers.
	ComplaintID = ID[complaint]
	// ReviewID names what a reviewer is asked to look at.
	ReviewID = ID[review]
	// DeclarationID names what somebody declared of themselves and an identifier.
	DeclarationID = ID[declared]
	// ConsentID names a consent for one handle.
	ConsentID = ID[consent]
	// ExclusionID names the exclusion of one agency by one subject.
	ExclusionID = ID[exclusion]
	// BlockID names a person's hiding of one relationship.
	BlockID = ID[block]
	// RequestID names a request for a person's consent.
	RequestID = ID[request]
	// PairingID names a pairing, the two halves of a telephone call.
	PairingID = ID[pairing]
	// ImportID names the import of one file under one approval.
	ImportID = ID[importing]
	// StatementID names a registrar's common-client statement.
	StatementID = ID[statement]
	// RecognitionID names one recognition that a registrar made, or one sign-in.
	RecognitionID = ID[recognise]
	// Subject is a registrar's id for one person of one register. It never leaves
	// the registrar (REG-25).
	Subject = ID[subject]
	// AccountID names how a subject signs in. Their devices are told it, nobody else.
	AccountID = ID[account]
	// AuthenticatorID names what a subject enrolled to sign in with.
	AuthenticatorID = ID[authentic]
	// ItemID names one datum of a subject.
	ItemID = ID[item]
	// CheckID names a check of a datum against somebody else's register.
	CheckID = ID[check]
	// LinkID names a private link of an identity manager.
	LinkID = ID[link]
	// EffectID names what an identity manager has in force on a handle.
	EffectID = ID[effect]
	// CaseID names what people or rules could not settle between them. No agency is
	// shown one.
	CaseID = ID[recourse]
	// PeerID names another hub, here and to nobody else.
	PeerID = ID[peer]
	// TaskID names what those who keep a register are to look at.
	TaskID = ID[task]
	// UntypedID is an id whose kind SQL does not tell, such as a column of a
	// union. Convert it at once to the kind it has.
	UntypedID = ID[untyped]
	// RowID is the internal key of a row. It never leaves the hub's index.
	RowID = ID[row]
)

// CaseOf is the id of the case of what it came from: the same, however often and by
// whomever it is made. Its sources are random, so it cannot be guessed without them.
func CaseOf(source string, id, against UntypedID) CaseID {
	return CaseID(derived("case "+source, id, against))
}

// ReferenceOf is what one agency is shown in place of a case.
func ReferenceOf(c CaseID, agency Agency) ReferenceID {
	return ReferenceID(derived("case as shown to "+string(agency), c))
}

// derived is an id that whoever knows the others can make, and nobody else.
func derived[K any](domain string, ids ...ID[K]) [16]byte {
	h := sha256.New()
	h.Write([]byte(domain))
	for _, id := range ids {
		h.Write(id[:])
	}
	out := [16]byte(h.Sum(nil)[:16])
	out[6] = out[6]&0x0f | 0x80
	out[8] = out[8]&0x3f | 0x80
	return out
}

// New draws a random id of the wanted kind.
func New[K any]() ID[K] {
	var id ID[K]
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// The constructors of each kind.
func NewHandle() HandleID           { return New[handle]() }
func NewAct() ActID                 { return New[act]() }
func NewReference() ReferenceID     { return New[reference]() }
func NewDecision() DecisionID       { return New[decision]() }
func NewEnquiry() EnquiryID         { return New[enquiry]() }
func NewDelivery() DeliveryID       { return New[delivery]() }
func NewNotice() NoticeID           { return New[notice]() }
func NewComplaint() ComplaintID     { return New[complaint]() }
func NewDeclaration() DeclarationID { return New[declared]() }
func NewConsent() ConsentID         { return New[consent]() }
func NewExclusion() ExclusionID     { return New[exclusion]() }
func NewBlock() BlockID             { return New[block]() }
func NewRequest() RequestID         { return New[request]() }
func NewPairing() PairingID         { return New[pairing]() }
func NewImport() ImportID           { return New[importing]() }
func NewStatement() StatementID     { return New[statement]() }
func NewRecognition() RecognitionID { return New[recognise]() }
func NewSubject() Subject           { return New[subject]() }
func NewItem() ItemID               { return New[item]() }
func NewCheck() CheckID             { return New[check]() }
func NewLink() LinkID               { return New[link]() }
func NewTask() TaskID               { return New[task]() }
func NewEffect() EffectID           { return New[effect]() }
func NewRow() RowID                 { return New[row]() }
func NewPeer() PeerID               { return New[peer]() }

// The parsers of each kind.
func ParseDecision(s string) (DecisionID, error)           { return Parse[decision](s) }
func ParseHandle(s string) (HandleID, error)               { return Parse[handle](s) }
func ParseReference(s string) (ReferenceID, error)         { return Parse[reference](s) }
func ParseEnquiry(s string) (EnquiryID, error)             { return Parse[enquiry](s) }
func ParseDelivery(s string) (DeliveryID, error)           { return Parse[delivery](s) }
func ParseNotice(s string) (NoticeID, error)               { return Parse[notice](s) }
func ParseComplaint(s string) (ComplaintID, error)         { return Parse[complaint](s) }
func ParseReview(s string) (ReviewID, error)               { return Parse[review](s) }
func ParseDeclaration(s string) (DeclarationID, error)     { return Parse[declared](s) }
func ParseConsent(s string) (ConsentID, error)             { return Parse[consent](s) }
func ParseExclusion(s string) (ExclusionID, error)         { return Parse[exclusion](s) }
func ParseImport(s string) (ImportID, error)               { return Parse[importing](s) }
func ParseItem(s string) (ItemID, error)                   { return Parse[item](s) }
func ParseRecognition(s string) (RecognitionID, error)     { return Parse[recognise](s) }
func ParseCheck(s string) (CheckID, error)                 { return Parse[check](s) }
func ParseAct(s string) (ActID, error)                     { return Parse[act](s) }
func NewAccount() AccountID                                { return New[account]() }
func NewAuthenticator() AuthenticatorID                    { return New[authentic]() }
func ParseAccount(s string) (AccountID, error)             { return Parse[account](s) }
func ParseAuthenticator(s string) (AuthenticatorID, error) { return Parse[authentic](s) }
func ParseLink(s string) (LinkID, error)                   { return Parse[link](s) }
func ParseEffect(s string) (EffectID, error)               { return Parse[effect](s) }
func ParseTask(s string) (TaskID, error)                   { return Parse[task](s) }
func ParsePeer(s string) (PeerID, error)                   { return Parse[peer](s) }

// ErrMalformed is returned for text that is not the canonical form of an id.
// It never carries the text.
var ErrMalformed = errors.New("not an id: expected 36 characters, 8-4-4-4-12 lower-case hexadecimal")

// Parse reads the canonical text form (RFC 9562 section 4) and nothing else.
func Parse[K any](s string) (ID[K], error) {
	var id ID[K]
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, ErrMalformed
	}
	compact := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	b, err := hex.DecodeString(compact)
	if err != nil || hex.EncodeToString(b) != compact {
		return id, ErrMalformed
	}
	return ID[K](b), nil
}

// IsZero reports whether id names nothing.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// String is the canonical text form.
func (id ID[K]) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// MarshalText writes the canonical form.
func (id ID[K]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the canonical form.
func (id *ID[K]) UnmarshalText(b []byte) error {
	v, err := Parse[K](string(b))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// Value stores the id as a uuid, the zero id as NULL.
func (id ID[K]) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id.String(), nil
}

// Scan reads a uuid column; NULL gives the zero id.
func (id *ID[K]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*id = ID[K]{}
		return nil
	case []byte:
		return id.UnmarshalText(v)
	case string:
		return id.UnmarshalText([]byte(v))
	default:
		return fmt.Errorf("ident: cannot read an id from %T", src)
	}
}

type (
	// Agency is the code of a member agency.
	Agency string
	// Provider is the code of a relationship provider: a named person, role,
	// team, unit or agency (COL-02).
	Provider string
	// Column is the code of a provider's place in the index.
	Column string
	// Registrar is the code of a registrar of the partnership.
	Registrar string
	// Register is the code of a register of subjects.
	Register string
	// Idmgr is the code of an identity manager of the partnership.
	Idmgr string
	// Practitioner is the code of a registered user (REG-13).
	Practitioner string
)
