;; Counts: `inc` adds one and answers the new count, anything else answers the count. The state is the count, an integer from 0
;; on.
;;
;; A message is `<4'turn<8'desc:cap…+>COUNT+[…]>`: the state begins after the first `>`, and the arguments begin after the `+`
;; that ends it. So `[3'inc` is all there is to look for.
(module
  (memory (export "memory") 1)
  (@custom "hob-actor" "1.0 become 0")
  (data (i32.const 0) "<6'become")
  (data (i32.const 16) "<6'answer")
  ;; Room for the answer: at 32. For the message: from 1024 on.
  (func (export "alloc") (param $size i32) (result i32)
    (if (i32.gt_u (local.get $size) (i32.const 64512)) (then (unreachable)))
    (i32.const 1024))

  ;; Writes `N+` and returns where it ends.
  (func $number (param $at i32) (param $n i64) (result i32)
    (local $digits i32) (local $rest i64)
    (local.set $rest (local.get $n))
    (loop $count
      (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
      (local.set $rest (i64.div_u (local.get $rest) (i64.const 10)))
      (br_if $count (i64.ne (local.get $rest) (i64.const 0))))
    (local.set $at (i32.add (local.get $at) (local.get $digits)))
    (i32.store8 (local.get $at) (i32.const 43))
    (local.set $digits (local.get $at))
    (loop $write
      (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
      (i32.store8 (local.get $digits)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
      (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
      (br_if $write (i64.ne (local.get $n) (i64.const 0))))
    (i32.add (local.get $at) (i32.const 1)))

  (func (export "turn") (param $at i32) (param $len i32) (result i64)
    (local $count i64) (local $byte i32) (local $end i32)
    (loop $reference
      (local.set $byte (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $reference (i32.ne (local.get $byte) (i32.const 62))))
    (block $done
      (loop $state
        (local.set $byte (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $done (i32.eq (local.get $byte) (i32.const 43)))
        ;; What is no digit is no state of this actor.
        (if (i32.gt_u (i32.sub (local.get $byte) (i32.const 48)) (i32.const 9)) (then (unreachable)))
        (local.set $count (i64.add (i64.mul (local.get $count) (i64.const 10))
          (i64.extend_i32_u (i32.sub (local.get $byte) (i32.const 48)))))
        (br $state)))
    ;; "[3'i" and "nc".
    (if (i32.and (i32.eq (i32.load (local.get $at)) (i32.const 0x6927335b))
                 (i32.eq (i32.load16_u offset=4 (local.get $at)) (i32.const 0x636e)))
      (then
        (local.set $count (i64.add (local.get $count) (i64.const 1)))
        (i64.store (i32.const 32) (i64.load (i32.const 0)))
        (i32.store8 (i32.const 40) (i32.const 101))
        (local.set $end (call $number (call $number (i32.const 41) (local.get $count)) (local.get $count))))
      (else
        (i64.store (i32.const 32) (i64.load (i32.const 16)))
        (i32.store8 (i32.const 40) (i32.const 114))
        (local.set $end (call $number (i32.const 41) (local.get $count)))))
    (i32.store8 (local.get $end) (i32.const 62))
    (i64.or (i64.const 0x2000000000)
      (i64.extend_i32_u (i32.sub (local.get $end) (i32.const 31))))))
