// Says hello: prints its arguments and the variable NAME, counts its input, and exits as told by `--exit N`.
const args = process.argv.slice(1);
let code = 0;
console.log("args: " + args.join(" "));
for (let i = 0; i + 1 < args.length; i++) {
  if (args[i] == "--exit") code = I32.parseInt(args[i + 1]);
}
if (process.env.has("NAME")) console.log("NAME=" + process.env.get("NAME"));
let total: i32 = 0;
const buf = new ArrayBuffer(4096);
for (;;) {
  const got = process.stdin.read(buf);
  if (got <= 0) break;
  total += got;
}
console.log("stdin: " + total.toString() + " bytes");
process.exit(code);
