//go:build wasm

package actor

import "unsafe"

// Turn is what an actor is called with.
type Turn struct {
	// Me is the actor itself.
	Me Cap
	// State is what it keeps.
	State Value
	// Args are the arguments of the message.
	Args []Value
}

// Method is the name of the method that is asked for, and its arguments.
func (t Turn) Method() (string, []Value) {
	if len(t.Args) == 0 {
		return "", nil
	}
	name, _ := Name(t.Args[0])
	return name, t.Args[1:]
}

// Next is what comes of a turn.
type Next struct {
	becomes      bool
	state, value Value
}

// Answer tells the caller this; the actor stays as it is.
func Answer(value Value) Next { return Next{value: value} }

// Become keeps state from now on, and tells the caller value.
func Become(state, value Value) Next { return Next{true, state, value} }

// NoMethod says that the method that was asked for is none of this actor's.
func NoMethod(name string) error { return Error{"no-method", name} }

var (
	handler  = func(turn Turn) (Next, error) { return Next{}, NoMethod("") }
	upgrader = func(uint32, Value) (Value, error) {
		return nil, Error{"no-upgrade", "the module upgrades no state"}
	}
	message []byte
	answer  []byte
)

// Handle says what handles turns; a module says it once, in an init function. An error means that the turn never happened: the
// caller is told the [Error], or the reason that a [Refused] holds.
func Handle(turns func(Turn) (Next, error)) { handler = turns }

// Upgrade says what makes states of this version of older ones.
func Upgrade(upgrades func(from uint32, state Value) (Value, error)) { upgrader = upgrades }

//go:wasmexport alloc
func alloc(size uint32) unsafe.Pointer {
	message = make([]byte, int(size)+1)
	return unsafe.Pointer(unsafe.SliceData(message))
}

//go:wasmexport turn
func turn(at unsafe.Pointer, length uint32) uint64 {
	r := reader{rest: unsafe.Slice((*byte)(at), length)}
	r.open("turn")
	me, isCap := r.value().(Cap)
	state := r.value()
	args, isList := r.value().(List)
	r.expect('>')
	r.finish()
	if !isCap || !isList {
		r.bad()
	}
	if r.wrong != nil {
		return failed(r.wrong)
	}
	next, err := handler(Turn{me, state, args})
	if err != nil {
		return failed(err)
	}
	if next.becomes {
		return written("become", next.state, next.value)
	}
	return written("answer", next.value)
}

//go:wasmexport upgrade
func upgrade(at unsafe.Pointer, length uint32) uint64 {
	r := reader{rest: unsafe.Slice((*byte)(at), length)}
	r.open("upgrade")
	from, isInt := r.value().(Int)
	state := r.value()
	r.expect('>')
	r.finish()
	if !isInt || from < 0 || from > 1<<32-1 {
		r.bad()
	}
	if r.wrong != nil {
		return failed(r.wrong)
	}
	made, err := upgrader(uint32(from), state)
	if err != nil {
		return failed(err)
	}
	return written("become", made, Undefined{})
}

func failed(err error) uint64 { return written("fail", Reason(err)) }

func written(label string, values ...Value) uint64 {
	w := writer{out: make([]byte, 0, 256)}
	w.open(label)
	for _, value := range values {
		w.value(value)
	}
	w.byte('>')
	if w.wrong != nil {
		return failed(w.wrong)
	}
	// What the host reads must not be collected before.
	answer = w.out
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(answer))))<<32 | uint64(len(answer))
}
