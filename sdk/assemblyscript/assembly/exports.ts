// The exports of a module of actors. A module's own file passes them on:
//
//     export { alloc, turn, upgrade } from "hob-actor/assembly/exports";

import { answered, upgraded } from "./turn";

let message: ArrayBuffer = new ArrayBuffer(0);
let answer: ArrayBuffer = new ArrayBuffer(0);

/** Room for a message. What earlier turns left is collected first, where the runtime collects. */
export function alloc(size: u32): usize {
  __collect();
  // A buffer of nothing has an address as well, so this is never 0.
  message = new ArrayBuffer(size as i32);
  return changetype<usize>(message);
}

export function turn(at: usize, length: u32): u64 {
  const writer = answered(at, length);
  answer = changetype<ArrayBuffer>(writer.at);
  return ((writer.at as u64) << 32) | (writer.length as u64);
}

export function upgrade(at: usize, length: u32): u64 {
  const writer = upgraded(at, length);
  answer = changetype<ArrayBuffer>(writer.at);
  return ((writer.at as u64) << 32) | (writer.length as u64);
}
