// Counts: `inc` adds one and answers the new count, `get` answers the count. The state is the count. Its states had another
// form once, `["count" N]`: that was version 0.
package main

import (
	"math"

	"hob.example/actor"
)

func count(turn actor.Turn) (actor.Next, error) {
	count, ok := turn.State.(actor.Int)
	if !ok {
		return actor.Next{}, actor.Error{Rule: "bad-state", Message: "no count"}
	}
	switch name, args := turn.Method(); {
	case name == "get" && len(args) == 0:
		return actor.Answer(count), nil
	case name != "inc" || len(args) != 0:
		return actor.Next{}, actor.NoMethod(name)
	case count == math.MaxInt64:
		return actor.Next{}, actor.Error{Rule: "limit", Message: "it counts no further"}
	}
	return actor.Become(count+1, count+1), nil
}

func fromOlder(from uint32, state actor.Value) (actor.Value, error) {
	if old, ok := state.(actor.List); ok && from == 0 && len(old) == 2 {
		return old[1], nil
	}
	return nil, actor.Error{Rule: "no-upgrade", Message: "no count in it"}
}

func init() {
	actor.Handle(count)
	actor.Upgrade(fromOlder)
}

func main() {}
