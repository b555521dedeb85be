// Uses all of the SDK: one method for each thing that an actor can do.
import {
  Cap, Field, Kind, Outcome, Result, Turn, Value,
  actor, askGranted, breakWith, call, decode, drop, encode, fuel, noMethod, on, promise, resolve, send, sendOnly, spawn,
} from "hob-actor/assembly";
export { alloc, turn } from "hob-actor/assembly/exports";

@external("test", "twice")
declare function twice(at: usize, length: u32): i64;

function done(result: Result): Outcome {
  return result.ok ? Outcome.answer(Value.undefined()) : Outcome.fail(result.value);
}

// Names that are out of order when they are written, and the same in all languages.
function unsorted(): Result {
  const names = ["b", "aa", "bbbbbbbbbb", "", "a"];
  const fields: Field[] = [];
  for (let i = 0; i < names.length; i++) fields.push(new Field(names[i], Value.int(i)));
  return encode(Value.struct(fields));
}

function capOf(it: Value): Cap {
  const cap = it.asCap;
  return cap ? cap : new Cap(0);
}

actor((turn: Turn): Outcome => {
  const args = turn.rest;
  const rest = args.slice(1);
  if (turn.isFrom("echo", 0)) return Outcome.answer(Value.list(args));
  if (turn.isFrom("keep", 0)) return Outcome.become(Value.list(args), turn.state);
  if (turn.is("encode", 1)) return Outcome.pass(encode(args[0]));
  if (turn.is("decode", 1)) return Outcome.pass(decode(args[0].bytes));
  if (turn.is("unsorted", 0)) return Outcome.pass(unsorted());
  if (turn.is("fail", 1)) return Outcome.fail(args[0]);
  if (turn.is("same", 2)) return Outcome.answer(Value.bool(args[0].equals(args[1])));
  if (turn.is("me", 0)) return Outcome.answer(Value.cap(turn.me));
  if (turn.isFrom("send", 1)) return Outcome.pass(send(capOf(args[0]), rest));
  if (turn.isFrom("send-only", 1)) return done(sendOnly(capOf(args[0]), rest));
  if (turn.isFrom("call", 1)) return Outcome.pass(call(capOf(args[0]), rest));
  if (turn.is("spawn", 1)) return Outcome.pass(spawn(args[0]));
  if (turn.is("promise", 0)) return Outcome.pass(promise());
  if (turn.is("resolve", 2)) return done(resolve(capOf(args[0]), args[1]));
  if (turn.is("break", 2)) return done(breakWith(capOf(args[0]), args[1]));
  if (turn.is("granted", 1)) return Outcome.pass(askGranted(twice, args[0]));
  if (turn.is("on", 4)) return Outcome.pass(on(capOf(args[0]), args[1].asCap, args[2].asCap, args[3].asCap));
  if (turn.is("drop", 1)) {
    const dropped = drop(capOf(args[0]));
    return dropped.ok ? Outcome.answer(drop(capOf(args[0])).value) : Outcome.fail(dropped.value);
  }
  if (turn.is("fuel", 0)) {
    const before = fuel();
    return Outcome.answer(Value.bool(fuel() < before));
  }
  return noMethod(turn);
});
