// Counts in its memory, which stays from turn to turn: answers how many turns it has had, and how many pages its memory has.
import { Outcome, Turn, Value, actor } from "hob-actor/assembly";
export { alloc, turn } from "hob-actor/assembly/exports";

let count: i64 = 0;

actor((turn: Turn): Outcome => {
  count++;
  return Outcome.answer(Value.list([Value.int(count), Value.int(memory.size())]));
});
