// A plugin in Go. Build it beside plugin.yaml: CGO_ENABLED=0 go build -o server main.go
package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
)

type request struct {
	Template struct {
		Plugin struct {
			Shout *struct{ Text string }
		}
	}
}

func main() {
	token, err := os.ReadFile("/var/run/argo/token")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/api/v1/template.execute", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+strings.TrimSpace(string(token)) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var in request
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply := map[string]any{}
		if in.Template.Plugin.Shout != nil {
			text := strings.ToUpper(in.Template.Plugin.Shout.Text) + "!"
			reply["node"] = map[string]any{"phase": "Succeeded", "outputs": map[string]any{"result": text}}
		}
		_ = json.NewEncoder(w).Encode(reply)
	})
	panic(http.ListenAndServe("127.0.0.1:4365", nil))
}
