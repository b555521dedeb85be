// Approves an order that is paid and costs at least 50. A request over 16 KiB traps.
const SIZE: u32 = 16384;
const request = memory.data(16384);
const yes = memory.data<u8>([123, 34, 111, 107, 34, 58, 116, 114, 117, 101, 125]);
const no = memory.data<u8>([123, 34, 111, 107, 34, 58, 102, 97, 108, 115, 101, 125]);

export function alloc(size: u32): usize {
  if (size > SIZE) unreachable();
  return request;
}

export function eval(at: usize, len: u32): u64 {
  const text = String.UTF8.decodeUnsafe(at, len).replaceAll(" ", "");
  const key = text.indexOf('"amount":');
  const amount = key < 0 ? 0 : I32.parseInt(text.substring(key + 9));
  const ok = text.includes('"status":"paid"') && amount >= 50;
  return ((ok ? yes : no) as u64) << 32 | (ok ? 11 : 12);
}
