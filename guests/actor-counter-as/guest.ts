// Counts: `inc` adds one and answers the new count, `get` answers the count. The state is the count. Its states had another
// form once, `["count" N]`: that was version 0.
import { Kind, Outcome, Result, Turn, Value, actor, noMethod, problem } from "hob-actor/assembly";
export { alloc, turn, upgrade } from "hob-actor/assembly/exports";

function count(turn: Turn): Outcome {
  if (!turn.state.isInt) return Outcome.fail(problem("bad-state", "no count"));
  if (turn.is("get", 0)) return Outcome.answer(turn.state);
  if (!turn.is("inc", 0)) return noMethod(turn);
  const count = turn.state.asInt;
  if (count == i64.MAX_VALUE) return Outcome.fail(problem("limit", "it counts no further"));
  return Outcome.become(Value.int(count + 1), Value.int(count + 1));
}

function fromOlder(from: u32, state: Value): Result {
  if (from == 0 && state.kind == Kind.List && state.items.length == 2) return Result.of(state.items[1]);
  return Result.not(problem("no-upgrade", "no count in it"));
}

actor(count, fromOlder);
