// Says hello: prints its arguments and the variable NAME, counts its input, and exits as told by `--exit N`.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	args := os.Args[1:]
	fmt.Printf("args: %s\n", strings.Join(args, " "))
	if name, ok := os.LookupEnv("NAME"); ok {
		fmt.Printf("NAME=%s\n", name)
	}
	input, _ := io.ReadAll(os.Stdin)
	fmt.Printf("stdin: %d bytes\n", len(input))
	code := 0
	for i, arg := range args {
		if arg == "--exit" && i+1 < len(args) {
			code, _ = strconv.Atoi(args[i+1])
		}
	}
	os.Exit(code)
}
