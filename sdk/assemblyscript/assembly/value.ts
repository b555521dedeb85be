// Values: what messages carry and what actors keep.

import { Int } from "./int";

/** What a value is. */
export enum Kind {
  Undefined,
  Null,
  Bool,
  Int,
  Float,
  Str,
  Symbol,
  Bytes,
  List,
  Struct,
  Tagged,
  Error,
  Cap,
}

/**
 * A reference or a sealed box, as this turn calls it. One reference has one handle in a turn, so two are the same when they
 * are equal. It is good for this turn only: what shall be had in later turns is kept in the state.
 */
@final
export class Cap {
  constructor(/** Means nothing but to the host. */ readonly handle: u64) {}

  @operator("==")
  equals(other: Cap): bool {
    return this.handle == other.handle;
  }

  @operator("!=")
  differs(other: Cap): bool {
    return this.handle != other.handle;
  }
}

/** A field of a struct. */
@final
export class Field {
  constructor(
    readonly name: string,
    readonly value: Value,
  ) {}
}

const NO_INT = new Int(0, 0);
const NO_BYTES = new Uint8Array(0);
const NO_ITEMS: Value[] = [];
const NO_FIELDS: Field[] = [];

/** A value of OCapN's model. Which of its parts means something, its kind says; the others are empty. */
@final
export class Value {
  /** The boolean. */
  boolean: bool = false;
  /** The integer: of 128 bits; one that has more is refused when it is read. */
  integer: Int = NO_INT;
  /** The double. */
  float: f64 = 0;
  /** Of a string or a symbol its text, of a tagged value its tag, of an error its message. */
  text: string = "";
  /** Of an error the rule that was broken. */
  rule: string = "";
  /** The bytes. */
  bytes: Uint8Array = NO_BYTES;
  /** The items of a list; what a tag is on. */
  items: Value[] = NO_ITEMS;
  /** The fields of a struct, in any order; no name twice. */
  fields: Field[] = NO_FIELDS;
  /** The handle of a reference. */
  handle: u64 = 0;

  constructor(readonly kind: Kind) {}

  static undefined(): Value {
    return new Value(Kind.Undefined);
  }

  static null(): Value {
    return new Value(Kind.Null);
  }

  static bool(it: bool): Value {
    const value = new Value(Kind.Bool);
    value.boolean = it;
    return value;
  }

  static int(it: i64): Value {
    return Value.wide(Int.from(it));
  }

  static wide(it: Int): Value {
    const value = new Value(Kind.Int);
    value.integer = it;
    return value;
  }

  static float(it: f64): Value {
    const value = new Value(Kind.Float);
    value.float = it;
    return value;
  }

  static str(it: string): Value {
    return Value.texted(Kind.Str, it);
  }

  static symbol(it: string): Value {
    return Value.texted(Kind.Symbol, it);
  }

  static bytes(it: Uint8Array): Value {
    const value = new Value(Kind.Bytes);
    value.bytes = it;
    return value;
  }

  static list(it: Value[]): Value {
    const value = new Value(Kind.List);
    value.items = it;
    return value;
  }

  static struct(it: Field[]): Value {
    const value = new Value(Kind.Struct);
    value.fields = it;
    return value;
  }

  static tagged(tag: string, inner: Value): Value {
    const value = Value.texted(Kind.Tagged, tag);
    value.items = [inner];
    return value;
  }

  static error(rule: string, message: string): Value {
    const value = Value.texted(Kind.Error, message);
    value.rule = rule;
    return value;
  }

  static cap(it: Cap): Value {
    const value = new Value(Kind.Cap);
    value.handle = it.handle;
    return value;
  }

  private static texted(kind: Kind, text: string): Value {
    const value = new Value(kind);
    value.text = text;
    return value;
  }

  /** Whether it is an integer of 64 bits. */
  get isInt(): bool {
    return this.kind == Kind.Int && this.integer.isNarrow;
  }

  /** The integer of 64 bits; 0 when it is none. */
  get asInt(): i64 {
    return this.isInt ? this.integer.low as i64 : 0;
  }

  /** The reference, when it is one. */
  get asCap(): Cap | null {
    return this.kind == Kind.Cap ? new Cap(this.handle) : null;
  }

  /** The name, when it is a symbol or a string. */
  get asName(): string | null {
    return this.kind == Kind.Symbol || this.kind == Kind.Str ? this.text : null;
  }

  /** What a struct has under this name. */
  field(name: string): Value | null {
    for (let i = 0; i < this.fields.length; i++) {
      if (this.fields[i].name == name) return this.fields[i].value;
    }
    return null;
  }

  /** Whether two are the same: references by their handles, floats as numbers, fields in their order. */
  equals(other: Value): bool {
    if (
      this.kind != other.kind ||
      this.boolean != other.boolean ||
      this.integer != other.integer ||
      this.float != other.float ||
      this.handle != other.handle ||
      this.text != other.text ||
      this.rule != other.rule ||
      this.bytes.length != other.bytes.length ||
      this.items.length != other.items.length ||
      this.fields.length != other.fields.length
    ) {
      return false;
    }
    if (memory.compare(this.bytes.dataStart, other.bytes.dataStart, this.bytes.length) != 0) return false;
    for (let i = 0; i < this.items.length; i++) {
      if (!this.items[i].equals(other.items[i])) return false;
    }
    for (let i = 0; i < this.fields.length; i++) {
      const mine = this.fields[i];
      const theirs = other.fields[i];
      if (mine.name != theirs.name || !mine.value.equals(theirs.value)) return false;
    }
    return true;
  }
}

/** A value, or with `ok` false the reason why there is none. */
@final
export class Result {
  constructor(
    readonly ok: bool,
    readonly value: Value,
  ) {}

  static of(value: Value): Result {
    return new Result(true, value);
  }

  static not(reason: Value): Result {
    return new Result(false, reason);
  }
}

/** An error as data, to fail with. */
export function problem(rule: string, message: string): Value {
  return Value.error(rule, message);
}
