//! Stands in for the messages that are left out of a conversation: says how many there were and how large, and how many
//! places look like secrets. Never repeats what they said.
const std = @import("std");

extern "wasi_snapshot_preview1" fn fd_read(fd: u32, iovs: *const Slice, count: u32, read: *u32) u32;
extern "wasi_snapshot_preview1" fn fd_write(fd: u32, iovs: *const Slice, count: u32, written: *u32) u32;

const Slice = extern struct { at: [*]u8, len: u32 };

var request: [1 << 20]u8 = undefined;
var scratch: [4 << 20]u8 = undefined;
var answer: [512]u8 = undefined;

const Message = struct { role: []const u8, content: []const u8 };
const Request = struct { elided_count: u64, elided_bytes: u64, messages: []Message };

const hints = [_][]const u8{ "password", "secret", "token", "api_key", "BEGIN PRIVATE KEY" };

pub fn main() u8 {
    var length: usize = 0;
    while (length < request.len) {
        var done: u32 = 0;
        const rest = Slice{ .at = request[length..].ptr, .len = @intCast(request.len - length) };
        if (fd_read(0, &rest, 1, &done) != 0) return 1;
        if (done == 0) break;
        length += done;
    }
    var arena = std.heap.FixedBufferAllocator.init(&scratch);
    const parsed = std.json.parseFromSliceLeaky(Request, arena.allocator(), request[0..length], .{ .ignore_unknown_fields = true }) catch return 1;
    var found: u64 = 0;
    for (parsed.messages) |message| {
        for (hints) |hint| found += std.mem.count(u8, message.content, hint);
    }
    const text = std.fmt.bufPrint(&answer, "{{\"marker\":\"left out {d} messages, {d} bytes; {d} places look like secrets\"}}\n", .{ parsed.elided_count, parsed.elided_bytes, found }) catch return 1;
    var written: u32 = 0;
    const out = Slice{ .at = text.ptr, .len = @intCast(text.len) };
    return if (fd_write(1, &out, 1, &written) == 0) 0 else 1;
}
