// A plugin in Node.js: answers with its text in upper case.
const fs = require("fs");
const http = require("http");

const token = fs.readFileSync("/var/run/argo/token", "utf8").trim();

http
  .createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      if (request.headers.authorization !== "Bearer " + token) {
        response.writeHead(403).end();
        return;
      }
      if (request.url !== "/api/v1/template.execute") {
        response.writeHead(404).end();
        return;
      }
      const upper = JSON.parse(body).template.plugin.upper;
      const reply = upper ? { node: { phase: "Succeeded", outputs: { result: upper.text.toUpperCase() } } } : {};
      response.end(JSON.stringify(reply));
    });
  })
  .listen(4363, "127.0.0.1");
