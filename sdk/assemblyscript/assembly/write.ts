// Syrup, written in its canonical form: fields in the order of their keys, one NaN.

import { Digits } from "./int";
import { DEPTH_MAX, keyOrder } from "./read";
import { Cap, Field, Kind, Result, Value, problem } from "./value";

/** Writes values to a buffer that grows. */
@final
export class Writer {
  private buffer: ArrayBuffer = new ArrayBuffer(240);
  private depth: i32 = 0;
  length: i32 = 0;
  /** Why the bytes are none of a value. */
  wrong: Value | null = null;

  get at(): usize {
    return changetype<usize>(this.buffer);
  }

  byte(it: u8): void {
    this.reserve(1);
    store<u8>(this.at + this.length++, it);
  }

  /** The beginning of a record. */
  open(label: string): void {
    this.byte(0x3c);
    this.text(0x27, label);
  }

  list(items: Value[]): void {
    this.byte(0x5b);
    for (let i = 0; i < items.length; i++) this.value(items[i]);
    this.byte(0x5d);
  }

  cap(it: Cap): void {
    this.handle(it.handle);
  }

  value(it: Value): void {
    if (this.depth == DEPTH_MAX) {
      this.wrong = problem("not-encodable", "a value of more than 128 levels");
      return;
    }
    this.depth++;
    switch (it.kind) {
      case Kind.Undefined:
        return this.close("void");
      case Kind.Null:
        return this.close("null");
      case Kind.Bool:
        this.byte(it.boolean ? 0x74 : 0x66);
        break;
      case Kind.Int:
        this.integer(it);
        break;
      case Kind.Float:
        this.float(it.float);
        break;
      case Kind.Str:
        this.text(0x22, it.text);
        break;
      case Kind.Symbol:
        this.text(0x27, it.text);
        break;
      case Kind.Bytes:
        this.number(0, it.bytes.length, 0x3a);
        this.raw(it.bytes.dataStart, it.bytes.length);
        break;
      case Kind.List:
        this.list(it.items);
        break;
      case Kind.Struct:
        this.struct(it.fields);
        break;
      case Kind.Tagged:
        this.open("desc:tagged");
        this.text(0x27, it.text);
        this.value(it.items[0]);
        this.byte(0x3e);
        break;
      case Kind.Error:
        this.open("desc:error");
        this.text(0x22, it.text);
        this.text(0x27, it.rule);
        this.byte(0x3e);
        break;
      default:
        this.handle(it.handle);
    }
    this.depth--;
  }

  private close(label: string): void {
    this.open(label);
    this.byte(0x3e);
    this.depth--;
  }

  private handle(it: u64): void {
    this.open("desc:cap");
    this.number(0, it, 0x2b);
    this.byte(0x3e);
  }

  private reserve(more: i32): void {
    const room = this.buffer.byteLength;
    if (more <= room - this.length) return;
    const wider = new ArrayBuffer(room * 2 + more);
    memory.copy(changetype<usize>(wider), this.at, this.length);
    this.buffer = wider;
  }

  private raw(from: usize, length: i32): void {
    this.reserve(length);
    memory.copy(this.at + this.length, from, length);
    this.length += length;
  }

  private integer(it: Value): void {
    const high = it.integer.high as u64;
    const low = it.integer.low;
    if (it.integer.high >= 0) return this.number(high, low, 0x2b);
    this.number(~high + (low == 0 ? 1 : 0), ~low + 1, 0x2d);
  }

  private number(high: u64, low: u64, mark: u8): void {
    const rest = new Digits();
    rest.high = high;
    rest.low = low;
    this.reserve(40);
    let count = 0;
    const from = this.at + this.length;
    do {
      store<u8>(from + count++, 48 + (rest.pop() as u8));
    } while (!rest.isZero);
    for (let i = 0, j = count - 1; i < j; i++, j--) {
      const digit = load<u8>(from + i);
      store<u8>(from + i, load<u8>(from + j));
      store<u8>(from + j, digit);
    }
    store<u8>(from + count, mark);
    this.length += count + 1;
  }

  private float(it: f64): void {
    this.reserve(9);
    store<u8>(this.at + this.length, 0x44);
    store<u64>(this.at + this.length + 1, bswap(isNaN(it) ? 0x7ff8000000000000 : reinterpret<u64>(it)));
    this.length += 9;
  }

  private text(mark: u8, text: string): void {
    // Half of a pair of surrogates is no character; it becomes the one that says so.
    const bytes = String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
    this.number(0, bytes.byteLength, mark);
    this.raw(changetype<usize>(bytes), bytes.byteLength);
  }

  private struct(fields: Field[]): void {
    const keyed = new Array<Keyed>(fields.length);
    let inOrder = true;
    for (let i = 0; i < fields.length; i++) {
      keyed[i] = new Keyed(fields[i]);
      if (i > 0 && keyed[i - 1].order(keyed[i]) >= 0) inOrder = false;
    }
    // The same name twice stays for the host to refuse.
    if (!inOrder) keyed.sort((a, b) => a.order(b));
    this.byte(0x7b);
    for (let i = 0; i < keyed.length; i++) {
      this.text(0x22, keyed[i].field.name);
      this.value(keyed[i].field.value);
    }
    this.byte(0x7d);
  }
}

/** A field, and the bytes of its name. */
@final
class Keyed {
  private key: ArrayBuffer;

  constructor(readonly field: Field) {
    this.key = String.UTF8.encode(field.name, false, String.UTF8.ErrorMode.REPLACE);
  }

  order(other: Keyed): i32 {
    const a = this.key;
    const b = other.key;
    return keyOrder(changetype<usize>(a), a.byteLength, changetype<usize>(b), b.byteLength);
  }
}

/** The bytes of a value, as a value, or why they could not be written. */
export function encode(it: Value): Result {
  const writer = new Writer();
  writer.value(it);
  const wrong = writer.wrong;
  if (wrong) return Result.not(wrong);
  const bytes = new Uint8Array(writer.length);
  memory.copy(bytes.dataStart, writer.at, writer.length);
  return Result.of(Value.bytes(bytes));
}
