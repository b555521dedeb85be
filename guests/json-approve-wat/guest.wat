;; Approves everything that asks politely: a request of 16 KiB or less. The smallest guard.
(module
  (memory (export "memory") 1)
  (data (i32.const 16) "{\"ok\":true}")
  (func (export "alloc") (param $size i32) (result i32)
    (if (i32.gt_u (local.get $size) (i32.const 16384)) (then unreachable))
    (i32.const 1024))
  (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))
