package actor

// Value is a value of OCapN's model: [Undefined], [Null], [Bool], [Int], [Wide], [Float], [Str], [Symbol], [Bytes], [List],
// [Struct], [Tagged], [Error] or [Cap]. What is no value at all, nil, counts as Undefined.
type Value interface{ isValue() }

// Undefined is no value.
type Undefined struct{}

// Null is the absence of an object.
type Null struct{}

// Bool is true or false.
type Bool bool

// Int is an integer of 64 bits.
type Int int64

// Wide is an integer of 128 bits, in two's complement: what does not fit into an Int. One that has more bits is refused when it
// is read.
type Wide struct {
	// High is the upper half; its first bit is the sign.
	High int64
	// Low is the lower half.
	Low uint64
}

// Float is a double.
type Float float64

// Str is text.
type Str string

// Symbol is a name.
type Symbol string

// Bytes are bytes.
type Bytes []byte

// List is values in order.
type List []Value

// Struct is values by name, in any order; no name twice.
type Struct []Field

// Field is a value and its name.
type Field struct {
	Name  string
	Value Value
}

// Tagged is a value with a tag.
type Tagged struct {
	Tag   string
	Value Value
}

// Error is what went wrong, as data, and a Go error as well: functions here that fail answer nothing else.
type Error struct {
	// Rule is the rule that was broken.
	Rule string
	// Message says what happened.
	Message string
}

// Cap is a reference or a sealed box, as this turn calls it. One reference has one handle in a turn, so two are the same when
// they are equal. It is good for this turn only: what shall be had in later turns is kept in the state.
type Cap struct{ handle uint64 }

// Nobody is no reference: where [On] shall have no handler.
var Nobody Cap

func (Undefined) isValue() {}
func (Null) isValue()      {}
func (Bool) isValue()      {}
func (Int) isValue()       {}
func (Wide) isValue()      {}
func (Float) isValue()     {}
func (Str) isValue()       {}
func (Symbol) isValue()    {}
func (Bytes) isValue()     {}
func (List) isValue()      {}
func (Struct) isValue()    {}
func (Tagged) isValue()    {}
func (Error) isValue()     {}
func (Cap) isValue()       {}

func (e Error) Error() string { return e.Rule + ": " + e.Message }

// Refused is a reason that is no [Error]: an actor may fail with any value.
type Refused struct{ Reason Value }

func (Refused) Error() string { return "refused" }

// Reason is the value that an error is for who is told.
func Reason(err error) Value {
	switch it := err.(type) {
	case Error:
		return it
	case Refused:
		return it.Reason
	}
	return Error{"error", err.Error()}
}

// Unsigned is an integer of 64 bits without a sign as a value.
func Unsigned(it uint64) Value {
	if it>>63 == 0 {
		return Int(it)
	}
	return Wide{0, it}
}

// Name is the name that a value is, when it is a symbol or a string.
func Name(it Value) (string, bool) {
	switch it := it.(type) {
	case Symbol:
		return string(it), true
	case Str:
		return string(it), true
	}
	return "", false
}

// Get is what a struct has under this name; nil when there is nothing.
func (s Struct) Get(name string) Value {
	for _, field := range s {
		if field.Name == name {
			return field.Value
		}
	}
	return nil
}

// Same says whether two values are the same: references by their handles, floats as numbers, fields in their order.
func Same(a, b Value) bool {
	switch a := a.(type) {
	case nil, Undefined:
		_, undefined := b.(Undefined)
		return b == nil || undefined
	case Bytes:
		b, ok := b.(Bytes)
		return ok && string(a) == string(b)
	case List:
		b, ok := b.(List)
		if !ok || len(a) != len(b) {
			return false
		}
		for at := range a {
			if !Same(a[at], b[at]) {
				return false
			}
		}
		return true
	case Struct:
		b, ok := b.(Struct)
		if !ok || len(a) != len(b) {
			return false
		}
		for at := range a {
			if a[at].Name != b[at].Name || !Same(a[at].Value, b[at].Value) {
				return false
			}
		}
		return true
	case Tagged:
		b, ok := b.(Tagged)
		return ok && a.Tag == b.Tag && Same(a.Value, b.Value)
	}
	switch b.(type) {
	case Bytes, List, Struct, Tagged:
		// These cannot be compared, and are other kinds than the first.
		return false
	}
	return a == b
}
