;; Loops before anyone has called it: in its start function.
(module
  (func $spin (loop $again (br $again)))
  (start $spin)
  (func (export "_start")))
