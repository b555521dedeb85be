// Introduces: `['meet who whom]` sends `whom` to `who`, at once (`call`) or when the turn is over (`send`). `['keep it]` keeps a
// reference, `['give who]` calls `who` with what was kept in an earlier turn.
import { Kind, Outcome, Turn, Value, actor, call, noMethod, problem, send } from "hob-actor/assembly";
export { alloc, turn } from "hob-actor/assembly/exports";

actor((turn: Turn): Outcome => {
  if (turn.is("keep", 1)) return Outcome.become(Value.list(turn.rest), Value.undefined());
  const calls = turn.isFrom("call", 1);
  const sends = turn.isFrom("send", 1);
  const tries = turn.isFrom("try", 1);
  const gives = turn.is("give", 1);
  if (!calls && !sends && !tries && !gives) return noMethod(turn);

  const nobody = Outcome.fail(problem("bad-arguments", "there must be somebody"));
  if (gives && turn.state.kind != Kind.List) return nobody;
  const who = turn.args[1].asCap;
  if (!who) return nobody;
  const args = turn.args.slice(2);
  if (calls) return Outcome.pass(call(who, args));
  if (sends) return Outcome.pass(send(who, args));
  if (gives) return Outcome.pass(call(who, turn.state.items));
  // What a callee says is dealt with here, so the turn goes on.
  const told = call(who, args);
  return Outcome.become(turn.state, Value.list([Value.bool(told.ok), told.value]));
});
