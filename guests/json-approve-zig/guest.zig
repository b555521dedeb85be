//! Approves an order that is paid and costs at least 50. A request over 16 KiB traps.
const std = @import("std");

var request: [16384]u8 = undefined;
var scratch: [65536]u8 = undefined;

const Order = struct { context: struct { status: []const u8, amount: i64 } };

export fn alloc(size: u32) [*]u8 {
    if (size > request.len) @trap();
    return &request;
}

export fn eval(at: [*]const u8, len: u32) u64 {
    var arena = std.heap.FixedBufferAllocator.init(&scratch);
    const order = std.json.parseFromSliceLeaky(Order, arena.allocator(), at[0..len], .{ .ignore_unknown_fields = true }) catch @trap();
    const ok = std.mem.eql(u8, order.context.status, "paid") and order.context.amount >= 50;
    const answer: []const u8 = if (ok) "{\"ok\":true}" else "{\"ok\":false}";
    return @as(u64, @intFromPtr(answer.ptr)) << 32 | answer.len;
}
