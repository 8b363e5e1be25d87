package migrate

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/lib/pq"
)

// Duties are the duties that reach the database. The portal does not.
var Duties = []string{"registrar", "relmgr", "idmgr", "consent", "federation", "governance"}

// Login is the role that the process of a duty logs in as.
func Login(hub, duty string) string { return hub + "_" + duty }

// hubName keeps <hub>_<duty> plain and within PostgreSQL's 63 bytes, past which
// it would cut names without an error, and two hubs could share a login.
var hubName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// EnsureLogins makes or updates the login <hub>_<duty> for each duty in
// passwords, as a member of fame_<duty> and of nothing else of ours, and lets
// those logins alone, besides administrators, connect to the database of
// adminDSN. Up must have run in the cluster. It is safe to run again and at
// once on several databases.
//
// Passwords are printable ASCII. They do not travel: the server is handed
// SCRAM-SHA-256 verifiers, so that no statement log can hold a password.
func EnsureLogins(ctx context.Context, adminDSN, hub string, passwords map[string]string) (err error) {
	defer fault.Wrap(&err, "logins")
	if !hubName.MatchString(hub) || strings.HasPrefix(hub, "pg_") || hub == "fame" {
		return fault.New(fault.Invalid,
			"a hub's name is 1 to 40 lower-case letters, digits and underscores, begins with a letter, and is not fame or pg_…: choose another")
	}
	var script strings.Builder
	for _, duty := range Duties {
		password, ok := passwords[duty]
		if !ok {
			continue
		}
		statements, err := login(hub, duty, password)
		if err != nil {
			return err
		}
		script.WriteString(statements)
	}
	for duty := range passwords {
		if !slices.Contains(Duties, duty) {
			return fault.New(fault.Invalid, "%q is not a duty with a database role: write one of %s", duty, strings.Join(Duties, ", "))
		}
	}

	db, err := open(ctx, adminDSN)
	if err != nil {
		return err
	}
	defer db.Close()
	var database string
	if err := db.QueryRowContext(ctx, "select current_database()").Scan(&database); err != nil {
		return pg.Fault(err)
	}
	if err := persist(ctx, db, script.String()+admit(database, hub, passwords)); err != nil {
		return plain(err)
	}
	return nil
}

// login is the SQL that makes one login what it must be, whatever it was.
func login(hub, duty, password string) (string, error) {
	verifier, err := scram(password)
	if err != nil {
		return "", fmt.Errorf("the password of %s: %w", duty, err)
	}
	role := pq.QuoteIdentifier(Login(hub, duty))
	var b strings.Builder
	fmt.Fprintf(&b, "do $do$ begin create role %s; exception when duplicate_object or unique_violation then null; end $do$;\n", role)
	fmt.Fprintf(&b, "alter role %s with login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls password %s;\n",
		role, pq.QuoteLiteral(verifier))
	for _, other := range Duties {
		if other != duty {
			fmt.Fprintf(&b, "revoke %s from %s;\n", pq.QuoteIdentifier("fame_"+other), role)
		}
	}
	fmt.Fprintf(&b, "grant %s to %s;\n", pq.QuoteIdentifier("fame_"+duty), role)
	return b.String(), nil
}

// admit is the SQL that opens database to the logins and to nobody else.
func admit(database, hub string, passwords map[string]string) string {
	var b strings.Builder
	name := pq.QuoteIdentifier(database)
	fmt.Fprintf(&b, "revoke connect on database %s from public;\n", name)
	for _, duty := range Duties {
		if _, ok := passwords[duty]; ok {
			fmt.Fprintf(&b, "grant connect on database %s to %s;\n", name, pq.QuoteIdentifier(Login(hub, duty)))
		}
	}
	return b.String()
}

// scram makes the verifier that PostgreSQL stores for password (RFC 5802
// section 3, RFC 7677). Printable ASCII needs no SASLprep.
func scram(password string) (string, error) {
	if password == "" || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", fault.New(fault.Invalid, "a password is one or more printable ASCII characters: make another")
	}
	const iterations = 4096 // PostgreSQL's own; these passwords are random
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	mac := func(text string) []byte {
		m := hmac.New(sha256.New, salted)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, b64(salt), b64(stored[:]), b64(mac("Server Key"))), nil
}
