// Actors for hob in AssemblyScript: the guest's side of the contract `actor/1.0` (`docs/abi/actor.md`).
//
// A function gets a turn and says what comes of it:
//
//     import { Outcome, Turn, Value, actor } from "hob-actor/assembly";
//     export { alloc, turn } from "hob-actor/assembly/exports";
//
//     actor((turn: Turn): Outcome => {
//       const count = Value.int(turn.state.asInt + 1);
//       return Outcome.become(count, count);
//     });

export { Int } from "./int";
export { Cap, Field, Kind, Result, Value, problem } from "./value";
export { decode } from "./read";
export { encode } from "./write";
export { askGranted, breakWith, call, drop, fuel, on, promise, resolve, send, sendOnly, spawn } from "./host";
export { Outcome, Turn, actor, noMethod } from "./turn";
