// A client of the agentOS sidecar protocol, written from its schema alone: another hand than the one that wrote the codec
// of hob. Usage: node client.mjs HOB COMMANDS DIRECTORY
import assert from "node:assert/strict";
import { spawn } from "node:child_process";

const [hob, commands, directory] = process.argv.slice(2);

// Writing: a value is a list of buffers.
const uint = (value) => {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
};
const fixed = (size) => (value) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, Math.min(size, 6));
  return bytes;
};
const [u16, u32, u64] = [2, 4, 8].map(fixed);
const bool = (value) => Buffer.from([value ? 1 : 0]);
const str = (text) => Buffer.concat([uint(Buffer.byteLength(text)), Buffer.from(text)]);
const opt = (write, value) => (value === undefined ? bool(false) : Buffer.concat([bool(true), write(value)]));
const list = (write, values = []) => Buffer.concat([uint(values.length), ...values.map(write)]);
const map = (write, object = {}) => list(([key, value]) => Buffer.concat([str(key), write(value)]), Object.entries(object));
const all = (...parts) => Buffer.concat(parts);

// Reading.
class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(size) { assert(this.at + size <= this.bytes.length); this.at += size; return this.bytes.subarray(this.at - size, this.at); }
  uint() { for (let value = 0n, shift = 0n; ; shift += 7n) { const [byte] = this.take(1); value |= BigInt(byte & 0x7f) << shift; if (byte < 0x80) return Number(value); } }
  bool() { return this.take(1)[0] === 1; }
  str() { return this.take(this.uint()).toString("utf8"); }
  u16() { return this.take(2).readUInt16LE(); }
  u32() { return this.take(4).readUInt32LE(); }
  i32() { return this.take(4).readInt32LE(); }
  u64() { return Number(this.take(8).readBigUInt64LE()); }
  i64() { return Number(this.take(8).readBigInt64LE()); }
  opt(read) { return this.bool() ? read(this) : undefined; }
  list(read) { return Array.from({ length: this.uint() }, () => read(this)); }
}

const owner = (...ids) => all(uint(ids.length), ...ids.map(str));
const responses = {
  1: (r) => ({ sidecar: r.str(), connection: r.str(), maxFrame: r.u32() }),
  2: (r) => ({ session: r.str(), connection: r.str() }),
  3: (r) => ({ vm: r.str() }),
  8: (r) => ({ vm: r.str() }),
  9: (r) => ({ count: r.u32() }),
  10: (r) => ({ mounts: r.u32(), software: r.u32() }),
  17: (r) => ({
    operation: r.uint(), path: r.str(), content: r.opt((r) => r.str()), encoding: r.opt((r) => r.uint()),
    entries: r.opt((r) => r.list((r) => r.str())),
    stat: r.opt((r) => ({
      mode: r.u32(), size: r.u64(), blocks: r.u64(), dev: r.u64(), rdev: r.u64(), isDirectory: r.bool(), isLink: r.bool(),
      atime: r.u64(), mtime: r.u64(), ctime: r.u64(), birth: r.u64(), ino: r.u64(), nlink: r.u64(), uid: r.u32(), gid: r.u32(),
    })),
    exists: r.opt((r) => r.bool()), target: r.opt((r) => r.str()),
  }),
  19: (r) => ({ process: r.str(), pid: r.opt((r) => r.u32()) }),
  20: (r) => ({ process: r.str(), accepted: r.u64() }),
  21: (r) => ({ process: r.str() }),
  22: (r) => ({ process: r.str() }),
  23: (r) => r.list((r) => ({
    process: r.str(), pid: r.u32(), ppid: r.u32(), pgid: r.u32(), sid: r.u32(), driver: r.str(), command: r.str(),
    args: r.list((r) => r.str()), cwd: r.str(), status: r.uint(), exit: r.opt((r) => r.i32()),
  })),
  32: (r) => ({ code: r.str(), message: r.str() }),
};
const events = {
  1: (r) => ({ state: r.uint() }),
  2: (r) => ({ process: r.str(), channel: r.uint(), chunk: r.str() }),
  3: (r) => ({ process: r.str(), exit: r.i32() }),
};

const child = spawn(hob, ["sidecar", "agentos", "--bin", commands, "--dir", `${directory}:rw`], {
  stdio: ["pipe", "pipe", "inherit"],
});
const ended = new Promise((resolve) => child.on("exit", resolve));
const waiting = new Map();
const happened = [];
let watch = () => {};
let buffer = Buffer.alloc(0);
child.stdout.on("data", (bytes) => {
  buffer = Buffer.concat([buffer, bytes]);
  while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE()) {
    const r = new Reader(buffer.subarray(4, 4 + buffer.readUInt32BE()));
    buffer = buffer.subarray(4 + r.bytes.length);
    const kind = r.uint();
    assert.deepEqual([r.str(), r.u16()], ["agent-os-sidecar", 1]);
    const id = kind === 2 ? r.i64() : 0;
    const owners = Array.from({ length: r.uint() }, () => r.str());
    const tag = r.uint();
    const payload = { tag, owners, ...(kind === 2 && tag === 23 ? { all: responses[23](r) } : (kind === 2 ? responses : events)[tag](r)) };
    assert.equal(r.at, r.bytes.length);
    if (kind === 2) waiting.get(id)(payload);
    else { happened.push(payload); watch(); }
  }
});
let serial = 0;
const ask = (owners, tag, ...payload) => {
  const id = ++serial;
  const frame = all(uint(1), str("agent-os-sidecar"), u16(1), u64(id), owner(...owners), uint(tag), ...payload);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  child.stdin.write(all(length, frame));
  return new Promise((resolve) => waiting.set(id, resolve));
};
const until = (fits) => new Promise((resolve) => {
  watch = () => { const found = happened.find(fits); if (found) resolve(found); };
  watch();
});

const refused = await ask(["nobody"], 2, uint(1), bool(false), map(str));
assert.equal(refused.code, "invalid_state");
const { connection, maxFrame } = await ask(["hint"], 1, str("test"), str("token"), u32(1));
assert.equal(maxFrame, 1 << 20);
const { session } = await ask([connection], 2, uint(1), bool(false), map(str, { a: "b" }));
const mode = (value) => all(bool(true), uint(1), uint(value));
const allowed = all(...Array.from({ length: 6 }, () => mode(1)));
const entry = (path, kind, content, target) => all(
  str(path), uint(kind), bool(false), bool(false), bool(false), opt(str, content), bool(false), opt(str, target), bool(false),
);
// The base has a byte that the schema does not mention.
const lowers = list((lower) => lower, [all(uint(2), bool(false)), all(uint(1), list((e) => e, [entry("/opt/a/b", 1, "lower\n")]))]);
const root = all(uint(1), bool(false), lowers, list((e) => e, [entry("/opt/link", 3, undefined, "a/b")]));
const { vm } = await ask([connection, session], 3, uint(1), map(str, { "env.GREETING": "hello" }), root, opt((p) => p, allowed));
const at = [connection, session, vm];
assert.deepEqual((await until((event) => event.state === 2)).owners, at);

const mount = (path, readOnly, host, plugin = "host_dir") => all(
  str(path), bool(readOnly), str(plugin), str(JSON.stringify({ hostPath: host, readOnly })),
);
const configure = (mounts, tiers = {}) => ask(
  at, 10, list((m) => m, mounts), list(str), bool(false), opt(str, "/"), list(str), list(str), map(uint, tiers), list(str), list(u16),
);
const package_ = `${commands}/@rivet-dev/agent-os-coreutils/wasm`;
const configured = await configure([mount("/__agentos/commands/0", true, package_), mount("/project", false, directory)], { cat: 3 });
assert.equal(configured.mounts, 2);
for (const [wrong, code] of [[mount("/x", true, "/etc"), "not_granted"], [mount("/y", true, directory, "s3"), "unsupported"]]) {
  assert.equal((await configure([wrong])).code, code);
}

const execute = (process, command, args, { env = {}, cwd, tier } = {}) => ask(
  at, 19, str(process), opt(str, command), bool(false), bool(false), list(str, args), map(str, env), opt(str, cwd), opt(uint, tier),
);
const run = async (process, command, args, options = {}) => {
  const started = await execute(process, command, args, options);
  assert(started.pid > 1, JSON.stringify(started));
  for (const chunk of options.input ?? []) assert.equal((await ask(at, 20, str(process), str(chunk))).accepted, Buffer.byteLength(chunk));
  await ask(at, 21, str(process));
  const { exit } = await until((event) => event.tag === 3 && event.process === process);
  const text = (channel) => happened.filter((e) => e.tag === 2 && e.process === process && e.channel === channel).map((e) => e.chunk).join("");
  return { exit, out: text(1), err: text(2) };
};

assert.deepEqual(await run("greet", "sh", ["-c", 'echo "$GREETING $WHO" >/project/said; cat /opt/link; exit 3'], { env: { WHO: "you" } })
  .then(({ exit, out }) => ({ exit, out })), { exit: 3, out: "lower\n" });
assert.equal((await run("read", "cat", ["/project/said"])).out, "hello you\n");
assert.equal((await run("where", "sh", ["-c", "pwd"], { cwd: "/tmp" })).out, "/tmp\n");
const long = "x🦀".repeat(60_000);
assert.equal((await run("through", "cat", [], { input: [long, "é"] })).out, `${long}é`);
assert.match((await run("bytes", "sh", ["-c", "printf '\\377a'"])).out, /^\uFFFDa$/);
assert.equal((await run("tier", "touch", ["/tmp/new"], { tier: 3 })).exit, 1);
assert.equal((await execute("none", "no-such-command", [])).code, "command_not_found");

await execute("sleeper", "sleep", ["1000"]);
const listed = (await ask(at, 23)).all.find((process) => process.process === "sleeper");
assert.deepEqual([listed.command, listed.args, listed.status], ["sleep", ["1000"], 1]);
assert.equal((await execute("sleeper", "true", [])).code, "invalid_state");
assert.equal((await ask(at, 22, str("sleeper"), str("NO"))).code, "invalid_argument");
await ask(at, 22, str("sleeper"), str("SIGTERM"));
assert.equal((await until((event) => event.tag === 3 && event.process === "sleeper")).exit, 143);

const file = (operation, path, { to, target, content, encoding, recursive = false, mode, len } = {}) => ask(
  at, 17, uint(operation), str(path), opt(str, to), opt(str, target), opt(str, content), opt(uint, encoding), bool(recursive),
  opt(u32, mode), bool(false), bool(false), bool(false), bool(false), opt(u64, len),
);
await file(2, "/tmp/file", { content: "/wAB", encoding: 2 });
assert.deepEqual(await file(1, "/tmp/file").then(({ content, encoding }) => [content, encoding]), ["/wAB", 2]);
await file(4, "/tmp/d/e", { recursive: true });
await file(11, "/tmp/file", { to: "/tmp/d/file" });
assert.deepEqual((await file(8, "/tmp/d")).entries, ["e", "file"]);
await file(16, "/tmp/d/file", { mode: 0o600 });
await file(19, "/tmp/d/file", { len: 1 });
const { stat } = await file(6, "/tmp/d/file");
assert.deepEqual([stat.mode, stat.size, stat.uid], [0o100600, 1, 1000]);
await file(13, "/tmp/l", { target: "d" });
assert.equal((await file(12, "/tmp/l/file")).target, "/tmp/d/file");
assert.equal((await file(14, "/tmp/l")).target, "d");
assert.equal((await file(5, "/tmp/nothing")).exists, false);
assert.match((await file(1, "/tmp/nothing")).message, /^ENOENT: /);
await file(9, "/tmp/d/file");
await file(10, "/tmp/d/e");
assert.deepEqual((await file(8, "/tmp/d")).entries, []);
assert.equal((await ask(at, 9, list((e) => e, [entry("/srv/x", 1, "y")]))).count, 1);
assert.equal((await file(1, "/srv/x")).content, "y");

for (const [tag, code] of [[4, "unsupported"], [26, "unsupported"], [32, "unsupported"], [28, "unsupported_direction"]]) {
  assert.equal((await ask(at, tag)).code, code);
}
assert.equal((await ask(at, 33)).code, "malformed_request");
assert.equal((await ask([connection, session, "vm-0"], 23)).code, "invalid_state");

assert.equal((await ask(at, 8, uint(1))).vm, vm);
assert.equal((await ask(at, 23)).code, "invalid_state");
child.stdin.end();
assert.equal(await ended, 0);
console.log("served");
