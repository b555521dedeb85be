package actor

import (
	"math"
	"math/bits"
	"sort"
	"strings"
)

// Encode is the bytes of a value: canonical Syrup, with fields in the order of their keys and one NaN.
func Encode(it Value) ([]byte, error) {
	var w writer
	w.value(it)
	if w.wrong != nil {
		return nil, w.wrong
	}
	return w.out, nil
}

type writer struct {
	out   []byte
	depth int
	wrong error
}

func (w *writer) byte(it byte) { w.out = append(w.out, it) }

// The beginning of a record.
func (w *writer) open(label string) {
	w.byte('<')
	w.text('\'', label)
}

func (w *writer) number(high, low uint64, mark byte) {
	w.out = append(digits(w.out, high, low), mark)
}

func (w *writer) text(mark byte, text string) {
	// What is no character becomes the one that says so.
	text = strings.ToValidUTF8(text, "\uFFFD")
	w.number(0, uint64(len(text)), mark)
	w.out = append(w.out, text...)
}

func (w *writer) list(items []Value) {
	w.byte('[')
	for _, item := range items {
		w.value(item)
	}
	w.byte(']')
}

func (w *writer) value(it Value) {
	if w.depth == depthMax {
		w.wrong = Error{"not-encodable", "a value of more than 128 levels"}
		return
	}
	w.depth++
	switch it := it.(type) {
	case nil, Undefined:
		w.open("void")
		w.byte('>')
	case Null:
		w.open("null")
		w.byte('>')
	case Bool:
		if it {
			w.byte('t')
		} else {
			w.byte('f')
		}
	case Int:
		w.integer(int64(it)>>63, uint64(it))
	case Wide:
		w.integer(it.High, it.Low)
	case Float:
		w.float(float64(it))
	case Str:
		w.text('"', string(it))
	case Symbol:
		w.text('\'', string(it))
	case Bytes:
		w.number(0, uint64(len(it)), ':')
		w.out = append(w.out, it...)
	case List:
		w.list(it)
	case Struct:
		w.fields(it)
	case Tagged:
		w.open("desc:tagged")
		w.text('\'', it.Tag)
		w.value(it.Value)
		w.byte('>')
	case Error:
		w.open("desc:error")
		w.text('"', it.Message)
		w.text('\'', it.Rule)
		w.byte('>')
	case Cap:
		w.open("desc:cap")
		w.number(0, it.handle, '+')
		w.byte('>')
	}
	w.depth--
}

func (w *writer) integer(high int64, low uint64) {
	if high >= 0 {
		w.number(uint64(high), low, '+')
		return
	}
	below, borrow := bits.Sub64(0, low, 0)
	above, _ := bits.Sub64(0, uint64(high), borrow)
	w.number(above, below, '-')
}

func (w *writer) float(it float64) {
	pattern := uint64(nanBits)
	if it == it {
		pattern = math.Float64bits(it)
	}
	w.byte('D')
	for shift := 56; shift >= 0; shift -= 8 {
		w.byte(byte(pattern >> shift))
	}
}

func (w *writer) fields(fields Struct) {
	before := func(a, b int) bool { return keyBefore(fields[a].Name, fields[b].Name) }
	if !sort.SliceIsSorted(fields, before) {
		// What the caller has stays as it is. The same name twice stays for the host to refuse.
		fields = append(Struct{}, fields...)
		sort.SliceStable(fields, before)
	}
	w.byte('{')
	for _, field := range fields {
		w.text('"', field.Name)
		w.value(field.Value)
	}
	w.byte('}')
}

func digits(out []byte, high, low uint64) []byte {
	var reversed [40]byte
	count := 0
	for {
		var digit uint64
		high, digit = high/10, high%10
		low, digit = bits.Div64(digit, low, 10)
		reversed[count] = '0' + byte(digit)
		count++
		if high == 0 && low == 0 {
			break
		}
	}
	for count > 0 {
		count--
		out = append(out, reversed[count])
	}
	return out
}
