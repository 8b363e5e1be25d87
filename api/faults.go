package api

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	ht "github.com/ogen-go/ogen/http"
	"github.com/ogen-go/ogen/ogenerrors"
	"github.com/ogen-go/ogen/validate"
)

const signInFirst = "sign in, and send the token as one header: Authorization: Bearer <token>"

// faultOf reads any error that reaches the edge. A fault stays what it is;
// what the generated code says becomes Malformed, Unauthenticated or
// NotServed, without its words, since they repeat the input; the driver's
// errors are read by SQLSTATE; the rest is Internal. known says which names
// openapi.yaml gives; where it is nil no place in the request is named.
func faultOf(err error, known func(string) bool) *fault.Error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if _, ok := errors.AsType[*ogenerrors.SecurityError](err); ok {
		return fault.New(fault.Unauthenticated, signInFirst)
	}
	if errors.Is(err, ht.ErrNotImplemented) {
		return fault.New(fault.NotServed, "ask the process that serves this operation: GET /governance/v1/services lists them")
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(e.Limit)
	}
	if e, ok := errors.AsType[*ogenerrors.DecodeParamsError](err); ok {
		return paramFault(e)
	}
	if e, ok := errors.AsType[*ogenerrors.DecodeRequestError](err); ok {
		return requestFault(e, known)
	}
	if f, ok := errors.AsType[*fault.Error](pg.Fault(err)); ok {
		return f
	}
	return fault.New(fault.Internal, "unexpected error").Because(err)
}

func tooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, "send at most %d bytes", limit)
}

// paramFault names the parameter: its name stands in the generated code, so it
// is the schema's and not the caller's.
func paramFault(err error) *fault.Error {
	if e, ok := errors.AsType[*ogenerrors.DecodeParamError](err); ok {
		return fault.New(fault.Malformed, "give the %s parameter %s as openapi.yaml describes it", e.In, e.Name)
	}
	return fault.New(fault.Malformed, "give the parameters as openapi.yaml describes them")
}

// requestFault says where the body is not what openapi.yaml asks for.
func requestFault(err error, known func(string) bool) *fault.Error {
	if errors.Is(err, validate.ErrBodyRequired) {
		return fault.New(fault.Malformed, "send a body of Content-Type application/json")
	}
	if _, ok := errors.AsType[*validate.InvalidContentTypeError](err); ok {
		return fault.New(fault.Malformed, "send the body as Content-Type application/json")
	}
	f := fault.New(fault.Malformed, "write the body as openapi.yaml describes it")
	if known == nil {
		return f
	}
	path, whole := decodedPath(err.Error(), known)
	switch failed, ok := errors.AsType[*validate.Error](err); {
	case ok && whole:
		f.Fields = fieldsOf(path, failed, known)
	case strings.Contains(err.Error(), "unexpected field"):
		f.Detail = "remove members that openapi.yaml does not name"
		f.Fields = []fault.Field{{Pointer: path, Detail: f.Detail}}
	case path != "":
		f.Fields = []fault.Field{{Pointer: path, Detail: "give a value of the type that openapi.yaml asks for"}}
	}
	return f
}

// maxFields bounds how many places one problem names.
const maxFields = 20

// fieldsOf lists the places that failed validation. The names come from the
// generated code, save where a schema allows any member: those are not known,
// and the place named is the object around them.
func fieldsOf(path string, failed *validate.Error, known func(string) bool) []fault.Field {
	var fields []fault.Field
	for _, f := range failed.Fields {
		if len(fields) >= maxFields {
			break
		}
		place, whole := path, false
		if index, ok := strings.CutPrefix(f.Name, "["); ok {
			if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil {
				place, whole = path+"/"+strconv.Itoa(n), true
			}
		} else if known(f.Name) {
			place, whole = path+"/"+f.Name, true
		}
		if inner, ok := errors.AsType[*validate.Error](f.Error); ok && whole {
			fields = append(fields, fieldsOf(place, inner, known)...)
			continue
		}
		fields = append(fields, fault.Field{Pointer: place, Detail: adviceOn(f.Error)})
	}
	return fields[:min(len(fields), maxFields)]
}

// adviceOn words one failed validation from the schema's own limits.
func adviceOn(err error) string {
	if errors.Is(err, validate.ErrFieldRequired) {
		return "give this member: it is required"
	}
	if e, ok := errors.AsType[*validate.MinLengthError](err); ok {
		return "give at least " + strconv.Itoa(e.MinLength)
	}
	if e, ok := errors.AsType[*validate.MaxLengthError](err); ok {
		return "give at most " + strconv.Itoa(e.MaxLength)
	}
	if _, ok := errors.AsType[*validate.NoRegexMatchError](err); ok {
		return "write it in the form that openapi.yaml gives"
	}
	if _, ok := errors.AsType[*validate.DuplicateItemsError](err); ok {
		return "give each item once"
	}
	return "give a value that openapi.yaml allows"
}

var decodedField = regexp.MustCompile(`decode field "([^"\\]+)"`)

// decodedPath reads the place out of the words that the generated decoders
// wrap around each other, as far as its names are known.
func decodedPath(words string, known func(string) bool) (path string, whole bool) {
	var b strings.Builder
	for _, m := range decodedField.FindAllStringSubmatch(words, maxDepth) {
		if !known(m[1]) {
			return b.String(), false
		}
		b.WriteString("/" + m[1])
	}
	return b.String(), true
}
