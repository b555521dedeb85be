package actor

import (
	"math"
	"math/bits"
	"unicode/utf8"
)

// Levels that are followed; the host's values have fewer.
const depthMax = 128

// The one NaN.
const nanBits = 0x7ff8000000000000

// Decode is the value that these bytes are. They must be canonical Syrup, as the host writes it.
func Decode(bytes []byte) (Value, error) {
	r := reader{rest: bytes}
	value := r.value()
	r.finish()
	if r.wrong != nil {
		return nil, r.wrong
	}
	return value, nil
}

// Reads values. The first thing that is wrong is kept, and all that is read afterwards means nothing.
type reader struct {
	rest  []byte
	depth int
	wrong error
}

// What begins with digits: an integer, or text of some kind.
type number struct {
	mark    byte
	integer Wide
	text    []byte
}

func (r *reader) fail(why error) {
	if r.wrong == nil {
		r.wrong = why
	}
	// Whatever looks finds the end.
	r.rest = nil
}

func (r *reader) bad() {
	r.fail(Error{"bad-message", "the message is none that this actor can read"})
}

func (r *reader) at(wanted byte) bool { return len(r.rest) > 0 && r.rest[0] == wanted }

func (r *reader) expect(wanted byte) {
	if r.at(wanted) {
		r.rest = r.rest[1:]
	} else {
		r.bad()
	}
}

func (r *reader) finish() {
	if len(r.rest) > 0 {
		r.bad()
	}
}

// A record with this label begins.
func (r *reader) open(label string) {
	r.expect('<')
	if string(r.text('\'')) != label {
		r.bad()
	}
}

func (r *reader) value() Value {
	if len(r.rest) == 0 {
		r.bad()
		return nil
	}
	if r.depth == depthMax {
		r.fail(Error{"limit", "depth limit exceeded: 128 allowed"})
		return nil
	}
	r.depth++
	value := r.unbounded()
	r.depth--
	return value
}

func (r *reader) unbounded() Value {
	switch first := r.rest[0]; first {
	case 't', 'f':
		r.rest = r.rest[1:]
		return Bool(first == 't')
	case 'D':
		return r.float()
	case '[':
		r.rest = r.rest[1:]
		items := List{}
		for r.wrong == nil && !r.at(']') {
			items = append(items, r.value())
		}
		r.expect(']')
		return items
	case '{':
		r.rest = r.rest[1:]
		return r.fields()
	case '<':
		r.rest = r.rest[1:]
		value := r.record(string(r.text('\'')))
		r.expect('>')
		return value
	}
	switch it := r.number(); it.mark {
	case '"':
		return Str(it.text)
	case '\'':
		return Symbol(it.text)
	case ':':
		return append(Bytes{}, it.text...)
	default:
		if it.integer.High == int64(it.integer.Low)>>63 {
			return Int(it.integer.Low)
		}
		return it.integer
	}
}

func (r *reader) float() Value {
	if len(r.rest) < 9 {
		r.bad()
		return nil
	}
	var bits uint64
	for _, it := range r.rest[1:9] {
		bits = bits<<8 | uint64(it)
	}
	r.rest = r.rest[9:]
	float := math.Float64frombits(bits)
	if float != float && bits != nanBits {
		r.bad()
	}
	return Float(float)
}

func (r *reader) fields() Value {
	fields := Struct{}
	for r.wrong == nil && !r.at('}') {
		name := string(r.text('"'))
		if len(fields) > 0 && !keyBefore(fields[len(fields)-1].Name, name) {
			r.bad()
		}
		fields = append(fields, Field{name, r.value()})
	}
	r.expect('}')
	return fields
}

func (r *reader) record(label string) Value {
	switch label {
	case "void":
		return Undefined{}
	case "null":
		return Null{}
	case "desc:cap":
		it := r.number()
		if it.mark != '+' || it.integer.High != 0 || it.integer.Low == 0 {
			r.bad()
		}
		return Cap{it.integer.Low}
	case "desc:tagged":
		tag := string(r.text('\''))
		return Tagged{tag, r.value()}
	case "desc:error":
		message := string(r.text('"'))
		return Error{string(r.text('\'')), message}
	}
	r.bad()
	return nil
}

// Text of one kind.
func (r *reader) text(mark byte) []byte {
	it := r.number()
	if it.mark != mark {
		r.bad()
		return nil
	}
	return it.text
}

func (r *reader) number() number {
	var high, low uint64
	over, count := false, 0
	for ; count < len(r.rest) && r.rest[count]-'0' < 10; count++ {
		carry, product := bits.Mul64(low, 10)
		lost, upper := bits.Mul64(high, 10)
		var more uint64
		low, more = bits.Add64(product, uint64(r.rest[count]-'0'), 0)
		high, more = bits.Add64(upper, carry, more)
		over = over || lost != 0 || more != 0
	}
	if count == 0 || count == len(r.rest) || (count > 1 && r.rest[0] == '0') {
		r.bad()
		return number{}
	}
	it := number{mark: r.rest[count]}
	r.rest = r.rest[count+1:]
	switch it.mark {
	case '+', '-':
		it.integer = r.signed(high, low, over, it.mark == '-')
	case ':', '"', '\'':
		if over || high != 0 || low > uint64(len(r.rest)) {
			r.bad()
			return number{}
		}
		it.text = r.rest[:low]
		r.rest = r.rest[low:]
		if it.mark != ':' && !utf8.Valid(it.text) {
			r.bad()
		}
	default:
		r.bad()
	}
	return it
}

func (r *reader) signed(high, low uint64, over, negative bool) Wide {
	const top = 1 << 63
	switch {
	case negative && high == 0 && low == 0 && !over:
		r.bad()
	case over || high > top || (high == top && !(negative && low == 0)):
		r.fail(Error{"limit", "integer-bits limit exceeded: 128 allowed"})
	case negative:
		below, borrow := bits.Sub64(0, low, 0)
		above, _ := bits.Sub64(0, high, borrow)
		return Wide{int64(above), below}
	}
	return Wide{int64(high), low}
}

// How keys of structs are ordered: as they are written, so the length counts first, digit by digit, and `"` is before digits.
func keyBefore(a, b string) bool {
	if len(a) == len(b) {
		return a < b
	}
	x, y := digits(nil, 0, uint64(len(a))), digits(nil, 0, uint64(len(b)))
	return string(append(x, '"')) < string(append(y, '"'))
}
