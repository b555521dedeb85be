//! Says hello: prints its arguments and the variable NAME, counts its input, and exits as told by `--exit N`.
//! Speaks to the host directly, through its own declarations of four WASI functions' worth of work.
const std = @import("std");
const wasi = std.os.wasi;

var buffer: [65536]u8 = undefined;

fn print(text: []const u8) void {
    const vec = [_]wasi.ciovec_t{.{ .base = text.ptr, .len = text.len }};
    var written: usize = 0;
    _ = wasi.fd_write(1, &vec, 1, &written);
}

pub fn main() void {
    var count: usize = 0;
    var size: usize = 0;
    _ = wasi.args_sizes_get(&count, &size);
    var pointers: [256][*:0]u8 = undefined;
    _ = wasi.args_get(&pointers, &buffer);
    var code: u32 = 0;
    print("args:");
    for (1..count) |i| {
        const arg = std.mem.span(pointers[i]);
        print(" ");
        print(arg);
        if (std.mem.eql(u8, arg, "--exit") and i + 1 < count)
            code = std.fmt.parseInt(u32, std.mem.span(pointers[i + 1]), 10) catch 0;
    }
    print(if (count > 1) "\n" else " \n");
    _ = wasi.environ_sizes_get(&count, &size);
    var environ: [256][*:0]u8 = undefined;
    _ = wasi.environ_get(&environ, &buffer);
    for (0..count) |i| {
        const entry = std.mem.span(environ[i]);
        if (std.mem.startsWith(u8, entry, "NAME=")) {
            print(entry);
            print("\n");
        }
    }
    var total: usize = 0;
    while (true) {
        const vec = [_]wasi.iovec_t{.{ .base = &buffer, .len = buffer.len }};
        var got: usize = 0;
        if (wasi.fd_read(0, &vec, 1, &got) != .SUCCESS or got == 0) break;
        total += got;
    }
    var line: [64]u8 = undefined;
    print(std.fmt.bufPrint(&line, "stdin: {d} bytes\n", .{total}) catch "");
    wasi.proc_exit(code);
}
