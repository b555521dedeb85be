// Package actor is the guest's side of the contract actor/1.0 (docs/abi/actor.md): actors for hob in Go.
//
// A function gets a turn and says what comes next, or fails:
//
//	package main
//
//	import "hob.example/actor"
//
//	func init() {
//		actor.Handle(func(turn actor.Turn) (actor.Next, error) {
//			count, _ := turn.State.(actor.Int)
//			return actor.Become(count+1, count+1), nil
//		})
//	}
//
//	func main() {}
//
// It is built with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared. The package has the exports of the contract; what it
// imports of the standard library is little, because a turn pays for what begins with the module.
package actor
