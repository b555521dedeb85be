// Introduces: `['meet who whom]` sends `whom` to `who`, at once (`call`) or when the turn is over (`send`). `['keep it]` keeps a
// reference, `['give who]` calls `who` with what was kept in an earlier turn.
package main

import "hob.example/actor"

var nobody = actor.Error{Rule: "bad-arguments", Message: "there must be somebody"}

func introduce(turn actor.Turn) (actor.Next, error) {
	name, args := turn.Method()
	if name == "keep" && len(args) == 1 {
		return actor.Become(actor.List(args), actor.Undefined{}), nil
	}
	known := name == "call" || name == "send" || name == "try" || name == "give" && len(args) == 1
	if !known || len(args) == 0 {
		return actor.Next{}, actor.NoMethod(name)
	}
	who, ok := args[0].(actor.Cap)
	rest := args[1:]
	kept, isList := turn.State.(actor.List)
	if !ok || name == "give" && !isList {
		return actor.Next{}, nobody
	}
	switch name {
	case "send":
		promise, err := actor.Send(who, rest...)
		return actor.Answer(promise), err
	case "give":
		rest = kept
	case "try":
		// What a callee says is dealt with here, so the turn goes on.
		told, err := actor.Call(who, rest...)
		if err != nil {
			told = actor.Reason(err)
		}
		return actor.Become(turn.State, actor.List{actor.Bool(err == nil), told}), nil
	}
	told, err := actor.Call(who, rest...)
	return actor.Answer(told), err
}

func init() { actor.Handle(introduce) }

func main() {}
