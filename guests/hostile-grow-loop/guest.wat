;; Takes memory page by page until it is refused, and then asks for ever.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $again
      (drop (memory.grow (i32.const 1)))
      (i32.store8 (i32.const 0) (i32.const 1))
      (br $again))))
