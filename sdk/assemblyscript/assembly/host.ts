// What an actor can ask of its host during a turn.
//
// A failure is the reason as a value. It ends nothing: who does not deal with it answers `Outcome.fail(result.value)`, and
// then the turn never happened.

import { decodeAt } from "./read";
import { Cap, Result, Value } from "./value";
import { Writer } from "./write";

@external("hob_actor", "send")
declare function rawSend(at: usize, length: u32): i64;
@external("hob_actor", "send_only")
declare function rawSendOnly(at: usize, length: u32): i64;
@external("hob_actor", "call")
declare function rawCall(at: usize, length: u32): i64;
@external("hob_actor", "spawn")
declare function rawSpawn(at: usize, length: u32): i64;
@external("hob_actor", "promise")
declare function rawPromise(at: usize): i64;
@external("hob_actor", "resolve")
declare function rawResolve(at: usize, length: u32): i64;
@external("hob_actor", "break")
declare function rawBreak(at: usize, length: u32): i64;
@external("hob_actor", "on")
declare function rawOn(at: usize, length: u32): i64;
@external("hob_actor", "drop")
declare function rawDrop(handle: u64): i64;
@external("hob_actor", "take")
declare function rawTake(at: usize): i64;
@external("hob_actor", "fuel")
declare function rawFuel(): i64;

/** Sends a message. The value is the promise for what comes of it. */
export function send(to: Cap, args: Value[]): Result {
  const message = messageTo(to, args);
  return message.wrong != null ? unwritten(message) : toldCap(rawSend(message.at, message.length));
}

/** Sends a message whose result nobody wants. */
export function sendOnly(to: Cap, args: Value[]): Result {
  const message = messageTo(to, args);
  return message.wrong != null ? unwritten(message) : told(rawSendOnly(message.at, message.length));
}

/** Calls something near, and waits for its answer. */
export function call(to: Cap, args: Value[]): Result {
  const message = messageTo(to, args);
  return message.wrong != null ? unwritten(message) : toldValue(rawCall(message.at, message.length));
}

/** Makes another actor of this module. The value is its reference. */
export function spawn(state: Value): Result {
  const message = new Writer();
  message.value(state);
  return message.wrong != null ? unwritten(message) : toldCap(rawSpawn(message.at, message.length));
}

/** A promise, and the right to keep or break it: a list of two references. */
export function promise(): Result {
  const handles = new StaticArray<u64>(2);
  const answer = rawPromise(changetype<usize>(handles));
  if (answer < 0) return told(answer);
  return Result.of(Value.list([Value.cap(new Cap(handles[0])), Value.cap(new Cap(handles[1]))]));
}

/** Keeps a promise. */
export function resolve(resolver: Cap, value: Value): Result {
  const message = pair(resolver, value);
  return message.wrong != null ? unwritten(message) : told(rawResolve(message.at, message.length));
}

/** Breaks a promise. */
export function breakWith(resolver: Cap, reason: Value): Result {
  const message = pair(resolver, reason);
  return message.wrong != null ? unwritten(message) : told(rawBreak(message.at, message.length));
}

/**
 * Does something when a promise is settled: each handler is sent what it is for. The value is the promise for what the
 * handler answers.
 */
export function on(vow: Cap, fulfilled: Cap | null, broken: Cap | null = null, finally_: Cap | null = null): Result {
  const message = new Writer();
  message.byte(0x5b);
  message.cap(vow);
  handler(message, fulfilled);
  handler(message, broken);
  handler(message, finally_);
  message.byte(0x5d);
  return toldCap(rawOn(message.at, message.length));
}

/** Gives a handle up. */
export function drop(cap: Cap): Result {
  return told(rawDrop(cap.handle));
}

/** Units of work that the turn has left. */
export function fuel(): u64 {
  return rawFuel() as u64;
}

/**
 * Asks a function that the host granted: `@external("geb", "kind") declare function kind(at: usize, length: u32): i64;` is
 * the import `geb.kind`, and `askGranted(kind, value)` asks it. A host that does not grant it cannot load the module.
 */
export function askGranted(granted: (at: usize, length: u32) => i64, value: Value): Result {
  const message = new Writer();
  message.value(value);
  return message.wrong != null ? unwritten(message) : toldValue(granted(message.at, message.length));
}

function messageTo(to: Cap, args: Value[]): Writer {
  const message = new Writer();
  message.byte(0x5b);
  message.cap(to);
  message.list(args);
  message.byte(0x5d);
  return message;
}

function pair(cap: Cap, value: Value): Writer {
  const message = new Writer();
  message.byte(0x5b);
  message.cap(cap);
  message.value(value);
  message.byte(0x5d);
  return message;
}

function handler(message: Writer, it: Cap | null): void {
  if (it) message.cap(it);
  else message.byte(0x66);
}

function unwritten(message: Writer): Result {
  const wrong = message.wrong;
  return Result.not(wrong ? wrong : Value.undefined());
}

function told(answer: i64): Result {
  return answer >= 0 ? Result.of(Value.undefined()) : Result.not(taken(-answer).value);
}

function toldCap(answer: i64): Result {
  return answer >= 0 ? Result.of(Value.cap(new Cap(answer as u64))) : told(answer);
}

function toldValue(answer: i64): Result {
  return answer >= 0 ? taken(answer) : told(answer);
}

function taken(length: i64): Result {
  const bytes = new ArrayBuffer(length as i32);
  rawTake(changetype<usize>(bytes));
  return decodeAt(changetype<usize>(bytes), length as u32);
}
