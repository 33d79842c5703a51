// An MCP server over standard input and output with one tool, whose words are in the file WORDS.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const words = () => readFileSync(process.env.WORDS, "utf8");
const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

let told = words();
const watch = setInterval(() => {
  if (words() === told) return;
  told = words();
  say({ method: "notifications/tools/list_changed" });
}, 100);

const answers = {
  initialize: (params) => ({ protocolVersion: params.protocolVersion, capabilities: { tools: { listChanged: true } }, serverInfo: { name: "words", version: "1" } }),
  ping: () => ({}),
  "tools/list": () => ({ tools: [{ name: "greet", description: words(), inputSchema: { type: "object" } }] }),
  "tools/call": () => ({ content: [{ type: "text", text: "hello" }] }),
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (answers[method]) say({ id, result: answers[method](params) });
  else say({ id, error: { code: -32601, message: "no such method" } });
});
lines.on("close", () => clearInterval(watch));
