// Integers of 128 bits: what messages carry. Few need more than 64; see `Value.int` and `Value.asInt`.

/** An integer of 128 bits, in two's complement. */
@final
export class Int {
  constructor(
    /** The upper half; its first bit is the sign. */
    public readonly high: i64,
    /** The lower half. */
    public readonly low: u64,
  ) {}

  static from(it: i64): Int {
    return new Int(it >> 63, it as u64);
  }

  static fromUnsigned(it: u64): Int {
    return new Int(0, it);
  }

  /** Whether it is one of 64 bits, with a sign. */
  get isNarrow(): bool {
    return this.high == ((this.low as i64) >> 63);
  }

  @operator("==")
  equals(other: Int): bool {
    return this.high == other.high && this.low == other.low;
  }

  @operator("!=")
  differs(other: Int): bool {
    return !this.equals(other);
  }
}

/** A number of 128 bits without a sign that is read digit by digit. */
@final
export class Digits {
  high: u64 = 0;
  low: u64 = 0;
  /** It has more bits. */
  over: bool = false;

  push(digit: u64): void {
    if (this.high == 0 && this.low <= (u64.MAX_VALUE - 9) / 10) {
      this.low = this.low * 10 + digit;
      return;
    }
    // Each half times 10, in pieces of 32 bits, from below.
    const a = (this.low & 0xffffffff) * 10 + digit;
    const b = (this.low >> 32) * 10 + (a >> 32);
    const c = (this.high & 0xffffffff) * 10 + (b >> 32);
    const d = (this.high >> 32) * 10 + (c >> 32);
    if (d >> 32 != 0) this.over = true;
    this.low = (b << 32) | (a & 0xffffffff);
    this.high = (d << 32) | (c & 0xffffffff);
  }

  /** Divides by 10; answers what is left over. */
  pop(): u64 {
    if (this.high == 0) {
      const digit = this.low % 10;
      this.low /= 10;
      return digit;
    }
    const d = this.high >> 32;
    const c = ((d % 10) << 32) | (this.high & 0xffffffff);
    const b = ((c % 10) << 32) | (this.low >> 32);
    const a = ((b % 10) << 32) | (this.low & 0xffffffff);
    this.high = ((d / 10) << 32) | (c / 10);
    this.low = ((b / 10) << 32) | (a / 10);
    return a % 10;
  }

  get isZero(): bool {
    return this.high == 0 && this.low == 0;
  }
}
