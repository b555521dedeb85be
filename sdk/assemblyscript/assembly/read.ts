// Syrup, read: what the host writes, which is canonical. Anything else is refused, with a reason and without a trap.

import { Digits, Int } from "./int";
import { Cap, Field, Result, Value, problem } from "./value";

/** Levels that are followed; the host's values have fewer. */
export const DEPTH_MAX: i32 = 128;

const NAN_BITS: u64 = 0x7ff8000000000000;

/** Reads values from a region. The first thing that is wrong is kept, and all that is read afterwards means nothing. */
@final
export class Reader {
  /** What is wrong. */
  wrong: Value | null = null;
  private depth: i32 = 0;
  // What `number` found last.
  private mark: u8 = 0;
  private readonly digits: Digits = new Digits();
  private integer: Int = new Int(0, 0);
  private from: usize = 0;
  private length: u32 = 0;

  constructor(
    private at: usize,
    private readonly end: usize,
  ) {}

  value(): Value {
    if (this.wrong != null || this.at == this.end) return this.bad();
    if (this.depth == DEPTH_MAX) return this.limit("depth limit exceeded: 128 allowed");
    this.depth++;
    const value = this.unbounded(load<u8>(this.at));
    this.depth--;
    return value;
  }

  /** A record with this label begins. */
  open(label: string): void {
    this.expect(0x3c);
    if (this.text(0x27) != label) this.fail();
  }

  /** This byte comes next. */
  expect(wanted: u8): void {
    if (this.is(wanted)) this.at++;
    else this.fail();
  }

  /** Nothing comes next. */
  finish(): void {
    if (this.at != this.end) this.fail();
  }

  /** What is read is no message. */
  fail(): void {
    if (this.wrong == null) this.wrong = problem("bad-message", "the message is none that this actor can read");
  }

  private bad(): Value {
    this.fail();
    return Value.undefined();
  }

  private limit(message: string): Value {
    if (this.wrong == null) this.wrong = problem("limit", message);
    return Value.undefined();
  }

  private unbounded(first: u8): Value {
    switch (first) {
      case 0x66: // f
      case 0x74: // t
        this.at++;
        return Value.bool(first == 0x74);
      case 0x44: // D
        return this.float();
      case 0x5b: // [
        return this.list();
      case 0x7b: // {
        return this.struct();
      case 0x3c: // <
        return this.record();
      default:
        return this.atom();
    }
  }

  private is(wanted: u8): bool {
    return this.wrong == null && this.at < this.end && load<u8>(this.at) == wanted;
  }

  private atom(): Value {
    this.number();
    if (this.wrong != null) return Value.undefined();
    if (this.mark == 0x22) return Value.str(this.string());
    if (this.mark == 0x27) return Value.symbol(this.string());
    if (this.mark == 0x3a) return Value.bytes(this.slice());
    return Value.wide(this.integer);
  }

  private float(): Value {
    if (this.end - this.at < 9) return this.bad();
    const bits = bswap(load<u64>(this.at + 1));
    this.at += 9;
    const float = reinterpret<f64>(bits);
    // There is one NaN.
    if (isNaN(float) && bits != NAN_BITS) this.fail();
    return Value.float(float);
  }

  private list(): Value {
    const items: Value[] = [];
    this.at++;
    while (this.wrong == null && !this.is(0x5d)) items.push(this.value());
    this.at++;
    return Value.list(items);
  }

  private struct(): Value {
    const fields: Field[] = [];
    let lastFrom: usize = 0;
    let lastLength: u32 = 0;
    this.at++;
    while (this.wrong == null && !this.is(0x7d)) {
      const name = this.text(0x22);
      const from = this.from;
      const length = this.length;
      if (fields.length > 0 && keyOrder(lastFrom, lastLength, from, length) >= 0) this.fail();
      lastFrom = from;
      lastLength = length;
      fields.push(new Field(name, this.value()));
    }
    this.at++;
    return Value.struct(fields);
  }

  private record(): Value {
    this.at++;
    const value = this.fieldsOf(this.text(0x27));
    this.expect(0x3e);
    return value;
  }

  private fieldsOf(label: string): Value {
    if (label == "void") return Value.undefined();
    if (label == "null") return Value.null();
    if (label == "desc:cap") {
      this.number();
      const it = this.integer;
      if (this.mark != 0x2b || it.high != 0 || it.low == 0) this.fail();
      return Value.cap(new Cap(it.low));
    }
    if (label == "desc:tagged") {
      const tag = this.text(0x27);
      return Value.tagged(tag, this.value());
    }
    if (label == "desc:error") {
      const message = this.text(0x22);
      return Value.error(this.text(0x27), message);
    }
    return this.bad();
  }

  /** Text of one kind. */
  private text(mark: u8): string {
    this.number();
    if (this.wrong == null && this.mark != mark) this.fail();
    return this.string();
  }

  private string(): string {
    return this.wrong == null ? String.UTF8.decodeUnsafe(this.from, this.length) : "";
  }

  private slice(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    memory.copy(bytes.dataStart, this.from, this.length);
    return bytes;
  }

  /** The digits that were found last, as an integer. */
  private signed(negative: bool): void {
    const digits = this.digits;
    if (negative && digits.isZero && !digits.over) return this.fail();
    const top: u64 = 1 << 63;
    const fits = negative && digits.low == 0 ? digits.high <= top : digits.high < top;
    if (digits.over || !fits) {
      this.limit("integer-bits limit exceeded: 128 allowed");
    } else if (negative) {
      const low = ~digits.low + 1;
      this.integer = new Int((~digits.high + (low == 0 ? 1 : 0)) as i64, low);
    } else {
      this.integer = new Int(digits.high as i64, digits.low);
    }
  }

  /** Digits, and what they are of: an integer, or text of some kind. */
  private number(): void {
    if (this.wrong != null) return;
    const digits = this.digits;
    digits.high = digits.low = 0;
    digits.over = false;
    const begin = this.at;
    let at = begin;
    let digit: u32 = 0;
    while (at < this.end && (digit = load<u8>(at) - 48) < 10) {
      digits.push(digit);
      at++;
    }
    if (at == begin || at == this.end || (at - begin > 1 && load<u8>(begin) == 48)) return this.fail();
    const mark = load<u8>(at++);
    this.mark = mark;
    this.at = at;
    if (mark == 0x3a || mark == 0x22 || mark == 0x27) {
      if (digits.over || digits.high != 0 || digits.low > this.end - at) return this.fail();
      this.from = at;
      this.length = digits.low as u32;
      this.at = at + this.length;
      if (mark != 0x3a && !isUtf8(at, this.at)) this.fail();
    } else if (mark == 0x2b || mark == 0x2d) {
      this.signed(mark == 0x2d);
    } else {
      this.fail();
    }
  }
}

function isUtf8(at: usize, end: usize): bool {
  while (at < end) {
    const first: u32 = load<u8>(at++);
    if (first < 0x80) continue;
    const more: usize = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || end - at < more) return false;
    // The shortest form, no surrogates, nothing past U+10FFFF: all show in the second byte.
    const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    const second: u32 = load<u8>(at);
    if (second < low || second > high) return false;
    for (let i: usize = 1; i < more; i++) {
      if ((load<u8>(at + i) & 0xc0) != 0x80) return false;
    }
    at += more;
  }
  return true;
}

/** How keys of structs are ordered: as they are written, so the length counts first, digit by digit. */
export function keyOrder(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  if (aLength == bLength) return memory.compare(a, b, aLength);
  // Numbers without zeros in front and with a `"` behind, which comes before all digits: 1" 10" 2".
  const x = aLength.toString() + '"';
  const y = bLength.toString() + '"';
  return x < y ? -1 : 1;
}

/** The value that these bytes are. */
export function decode(bytes: Uint8Array): Result {
  return decodeAt(bytes.dataStart, bytes.length);
}

export function decodeAt(at: usize, length: u32): Result {
  const reader = new Reader(at, at + length);
  const value = reader.value();
  reader.finish();
  const wrong = reader.wrong;
  return wrong ? Result.not(wrong) : Result.of(value);
}
