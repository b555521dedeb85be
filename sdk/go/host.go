//go:build wasm

package actor

import "unsafe"

//go:wasmimport hob_actor send
func rawSend(at unsafe.Pointer, length uint32) int64

//go:wasmimport hob_actor send_only
func rawSendOnly(at unsafe.Pointer, length uint32) int64

//go:wasmimport hob_actor call
func rawCall(at unsafe.Pointer, length uint32) int64

//go:wasmimport hob_actor spawn
func rawSpawn(at unsafe.Pointer, length uint32) int64

//go:wasmimport hob_actor promise
func rawPromise(at unsafe.Pointer) int64

//go:wasmimport hob_actor resolve
func rawResolve(at unsafe.Pointer, length uint32) int64

//go:wasmimport hob_actor break
func rawBreak(at unsafe.Pointer, length uint32) int64

//go:wasmimport hob_actor on
func rawOn(at unsafe.Pointer, length uint32) int64

//go:wasmimport hob_actor drop
func rawDrop(handle uint64) int64

//go:wasmimport hob_actor take
func rawTake(at unsafe.Pointer) int64

//go:wasmimport hob_actor fuel
func rawFuel() int64

// Send sends a message. The promise is for what comes of it.
func Send(to Cap, args ...Value) (Cap, error) {
	return toldCap(ask(rawSend, func(w *writer) { w.message(to, args) }))
}

// SendOnly sends a message whose result nobody wants.
func SendOnly(to Cap, args ...Value) error {
	_, err := ask(rawSendOnly, func(w *writer) { w.message(to, args) })
	return err
}

// Call calls something near, and waits for its answer.
func Call(to Cap, args ...Value) (Value, error) {
	return toldValue(ask(rawCall, func(w *writer) { w.message(to, args) }))
}

// Spawn makes another actor of this module.
func Spawn(state Value) (Cap, error) {
	return toldCap(ask(rawSpawn, func(w *writer) { w.value(state) }))
}

// Promise makes a promise, and the right to keep or break it.
func Promise() (promise, resolver Cap, err error) {
	handles := new([2]uint64)
	_, err = told(rawPromise(unsafe.Pointer(handles)))
	return Cap{handles[0]}, Cap{handles[1]}, err
}

// Resolve keeps a promise.
func Resolve(resolver Cap, value Value) error {
	_, err := ask(rawResolve, func(w *writer) { w.list([]Value{resolver, value}) })
	return err
}

// Break breaks a promise.
func Break(resolver Cap, reason Value) error {
	_, err := ask(rawBreak, func(w *writer) { w.list([]Value{resolver, reason}) })
	return err
}

// On does something when a promise is settled: each handler is sent what it is for, and [Nobody] is none. The promise is for
// what the handler answers.
func On(vow, fulfilled, broken, finally Cap) (Cap, error) {
	handler := func(it Cap) Value {
		if it == Nobody {
			return Bool(false)
		}
		return it
	}
	items := []Value{vow, handler(fulfilled), handler(broken), handler(finally)}
	return toldCap(ask(rawOn, func(w *writer) { w.list(items) }))
}

// Drop gives a handle up.
func Drop(it Cap) error {
	_, err := told(rawDrop(it.handle))
	return err
}

// Fuel is how many units of work the turn has left.
func Fuel() uint64 { return uint64(rawFuel()) }

// Granted asks a function that the host granted. The import is declared where it is used:
//
//	//go:wasmimport geb kind
//	func kind(at unsafe.Pointer, length uint32) int64
//
// A host that does not grant it cannot load the module.
func Granted(function func(at unsafe.Pointer, length uint32) int64, value Value) (Value, error) {
	return toldValue(ask(function, func(w *writer) { w.value(value) }))
}

func (w *writer) message(to Cap, args []Value) {
	w.byte('[')
	w.value(to)
	w.list(args)
	w.byte(']')
}

func ask(function func(unsafe.Pointer, uint32) int64, write func(*writer)) (int64, error) {
	w := writer{out: make([]byte, 0, 128)}
	write(&w)
	if w.wrong != nil {
		return 0, w.wrong
	}
	return told(function(unsafe.Pointer(unsafe.SliceData(w.out)), uint32(len(w.out))))
}

func told(answer int64) (int64, error) {
	if answer >= 0 {
		return answer, nil
	}
	reason, err := taken(-answer)
	if err != nil {
		return 0, err
	}
	if it, ok := reason.(Error); ok {
		return 0, it
	}
	return 0, Refused{reason}
}

func toldCap(answer int64, err error) (Cap, error) {
	if err != nil {
		return Nobody, err
	}
	return Cap{uint64(answer)}, nil
}

func toldValue(answer int64, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	return taken(answer)
}

func taken(length int64) (Value, error) {
	bytes := make([]byte, length)
	rawTake(unsafe.Pointer(unsafe.SliceData(bytes)))
	return Decode(bytes)
}
