// Uses all of the SDK: one method for each thing that an actor can do.
package main

import (
	"unsafe"

	"hob.example/actor"
)

//go:wasmimport test twice
func twice(at unsafe.Pointer, length uint32) int64

// Names that are out of order when they are written, and the same in all languages.
func unsorted() actor.Value {
	var fields actor.Struct
	for at, name := range []string{"b", "aa", "bbbbbbbbbb", "", "a"} {
		fields = append(fields, actor.Field{Name: name, Value: actor.Int(at)})
	}
	return fields
}

func encoded(it actor.Value) (actor.Value, error) {
	bytes, err := actor.Encode(it)
	return actor.Bytes(bytes), err
}

func probe(turn actor.Turn) (actor.Next, error) {
	name, args := turn.Method()
	if name == "keep" {
		return actor.Become(actor.List(args), turn.State), nil
	}
	value, err := asked(turn, name, args)
	return actor.Answer(value), err
}

func asked(turn actor.Turn, name string, args []actor.Value) (actor.Value, error) {
	first := func() actor.Value { return args[0] }
	cap := func(at int) actor.Cap {
		it, _ := args[at].(actor.Cap)
		return it
	}
	switch name {
	case "echo":
		return actor.List(args), nil
	case "encode":
		return encoded(first())
	case "decode":
		bytes, _ := first().(actor.Bytes)
		return actor.Decode(bytes)
	case "unsorted":
		return encoded(unsorted())
	case "fail":
		return nil, actor.Refused{Reason: first()}
	case "same":
		return actor.Bool(actor.Same(args[0], args[1])), nil
	case "me":
		return turn.Me, nil
	case "send":
		return actor.Send(cap(0), args[1:]...)
	case "send-only":
		return nil, actor.SendOnly(cap(0), args[1:]...)
	case "call":
		return actor.Call(cap(0), args[1:]...)
	case "spawn":
		return actor.Spawn(first())
	case "promise":
		promise, resolver, err := actor.Promise()
		return actor.List{promise, resolver}, err
	case "resolve":
		return nil, actor.Resolve(cap(0), args[1])
	case "break":
		return nil, actor.Break(cap(0), args[1])
	case "on":
		return actor.On(cap(0), cap(1), cap(2), cap(3))
	case "granted":
		return actor.Granted(twice, first())
	case "drop":
		if err := actor.Drop(cap(0)); err != nil {
			return nil, err
		}
		return actor.Reason(actor.Drop(cap(0))), nil
	case "fuel":
		before := actor.Fuel()
		return actor.Bool(actor.Fuel() < before), nil
	}
	return nil, actor.NoMethod(name)
}

func init() { actor.Handle(probe) }

func main() {}
