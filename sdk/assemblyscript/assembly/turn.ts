// Turns: what an actor is called with, and what comes of it.

import { Reader } from "./read";
import { Cap, Kind, Result, Value, problem } from "./value";
import { Writer } from "./write";

/** What an actor is called with. */
@final
export class Turn {
  constructor(
    /** The actor itself. */
    readonly me: Cap,
    /** What it keeps. */
    readonly state: Value,
    /** The arguments of the message. */
    readonly args: Value[],
  ) {}

  /** The name of the method that is asked for. */
  get method(): string {
    const name = this.args.length > 0 ? this.args[0].asName : null;
    return name ? name : "";
  }

  /** The arguments behind the name. */
  get rest(): Value[] {
    return this.args.slice(1);
  }

  /** Whether this method is asked for, with so many arguments besides its name. */
  is(method: string, args: i32): bool {
    return this.args.length == args + 1 && this.method == method;
  }

  /** Whether this method is asked for, with so many arguments or more. */
  isFrom(method: string, args: i32): bool {
    return this.args.length > args && this.method == method;
  }
}

/** What comes of a turn. */
@final
export class Outcome {
  private constructor(
    readonly label: string,
    readonly state: Value | null,
    readonly value: Value,
  ) {}

  /** The caller is told this; the actor stays as it is. */
  static answer(value: Value): Outcome {
    return new Outcome("answer", null, value);
  }

  /** The actor keeps `state` from now on; the caller is told `value`. */
  static become(state: Value, value: Value): Outcome {
    return new Outcome("become", state, value);
  }

  /** The turn never happened, for this reason. */
  static fail(reason: Value): Outcome {
    return new Outcome("fail", null, reason);
  }

  /** What came of asking the host is what comes of the turn: the answer, or why it never happened. */
  static pass(result: Result): Outcome {
    return result.ok ? Outcome.answer(result.value) : Outcome.fail(result.value);
  }
}

/** The method that was asked for is none of this actor's. */
export function noMethod(turn: Turn): Outcome {
  return Outcome.fail(problem("no-method", turn.method));
}

type Handler = (turn: Turn) => Outcome;
type Upgrade = (from: u32, state: Value) => Result;

let handler: Handler = noMethod;
let upgrade: Upgrade = (_from, _state) => Result.not(problem("no-upgrade", "the module upgrades no state"));

/** Says what handles turns, and what makes states of this version of older ones. A module says it once, first. */
export function actor(turns: Handler, upgrades: Upgrade = upgrade): void {
  handler = turns;
  upgrade = upgrades;
}

/** Handles the message that lies there. */
export function answered(at: usize, length: u32): Writer {
  const reader = new Reader(at, at + length);
  reader.open("turn");
  const me = reader.value();
  const state = reader.value();
  const args = reader.value();
  reader.expect(0x3e);
  reader.finish();
  if (me.kind != Kind.Cap || args.kind != Kind.List) reader.fail();
  const wrong = reader.wrong;
  if (wrong) return written(Outcome.fail(wrong));
  return written(handler(new Turn(new Cap(me.handle), state, args.items)));
}

/** Upgrades the state that lies there. */
export function upgraded(at: usize, length: u32): Writer {
  const reader = new Reader(at, at + length);
  reader.open("upgrade");
  const from = reader.value();
  const state = reader.value();
  reader.expect(0x3e);
  reader.finish();
  if (!from.isInt || from.asInt < 0 || from.asInt > (u32.MAX_VALUE as i64)) reader.fail();
  const wrong = reader.wrong;
  if (wrong) return written(Outcome.fail(wrong));
  const made = upgrade(from.asInt as u32, state);
  return written(made.ok ? Outcome.become(made.value, Value.undefined()) : Outcome.fail(made.value));
}

function written(outcome: Outcome): Writer {
  const writer = new Writer();
  writer.open(outcome.label);
  const state = outcome.state;
  if (state) writer.value(state);
  writer.value(outcome.value);
  writer.byte(0x3e);
  const wrong = writer.wrong;
  return wrong ? written(Outcome.fail(wrong)) : writer;
}
