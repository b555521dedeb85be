;; A table of ten million elements and no memory to speak of.
(module
  (table 10000000 funcref)
  (func (export "_start")))
