;; Ten memories of ten mebibytes: each is small, together they are not.
(module
  (memory (export "memory") 160) (memory 160) (memory 160) (memory 160) (memory 160)
  (memory 160) (memory 160) (memory 160) (memory 160) (memory 160)
  (func (export "_start")))
