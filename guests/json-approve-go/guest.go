// Approves an order that is paid and costs at least 50. A request over 16 KiB panics.
package main

import (
	"encoding/json"
	"unsafe"
)

var request [16384]byte
var response []byte

type order struct {
	Context struct {
		Status string `json:"status"`
		Amount int    `json:"amount"`
	} `json:"context"`
}

//go:wasmexport alloc
func alloc(size uint32) uint32 {
	if size > uint32(len(request)) {
		panic("request too large")
	}
	return uint32(uintptr(unsafe.Pointer(&request[0])))
}

//go:wasmexport eval
func eval(at, size uint32) uint64 {
	var asked order
	if err := json.Unmarshal(request[:size], &asked); err != nil {
		panic(err)
	}
	response, _ = json.Marshal(map[string]bool{"ok": asked.Context.Status == "paid" && asked.Context.Amount >= 50})
	return uint64(uintptr(unsafe.Pointer(&response[0])))<<32 | uint64(len(response))
}

func main() {}
