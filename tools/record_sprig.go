// SPDX-License-Identifier: Apache-2.0

// Records what the genuine libraries answer: reads expressions, one a line, writes rows of tests/data/libraries/sprig_more.jsonl.
// In a folder of its own, with this file:
//
//	go mod init record && go get github.com/Masterminds/sprig/v3@v3.3.0 github.com/expr-lang/expr@v1.17.8
//	    github.com/spf13/cast@v1.10.0 dario.cat/mergo@v1.0.2 github.com/Masterminds/semver/v3@v3.5.0
//	TZ=UTC go run record_sprig.go <expressions >sprig_more.jsonl
//
// The versions are those of Argo Workflows v4.1.2. Run it twice: rows that differ depend on the order of a map or on chance.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/Masterminds/sprig/v3"
	"github.com/expr-lang/expr"
)

func answer(text string) (out map[string]any) {
	functions := sprig.GenericFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	env := map[string]any{"sprig": functions}
	program, err := expr.Compile(text, expr.Env(env))
	if err != nil {
		return map[string]any{"stage": "compile", "error": err.Error()}
	}
	value, err := expr.Run(program, env)
	if err != nil {
		return map[string]any{"stage": "run", "error": err.Error()}
	}
	out = map[string]any{"type": fmt.Sprintf("%T", value)}
	encoded, err := json.Marshal(value)
	if err != nil {
		out["json_error"] = err.Error()
		out["go"] = fmt.Sprintf("%v", value)
	} else {
		out["json"] = string(encoded)
	}
	return out
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	rows := json.NewEncoder(os.Stdout)
	for id := 1; lines.Scan(); id++ {
		text := lines.Text()
		if err := rows.Encode(map[string]any{"id": id, "in": map[string]string{"expr": text}, "out": answer(text)}); err != nil {
			panic(err)
		}
	}
}
