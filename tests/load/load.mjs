// Many clients at once for a while, well-behaved and otherwise, against a server at BASE_URL.
// SPDX-License-Identifier: Apache-2.0
//
// Each answer is compared with the one that the same request got alone. At the end nothing may be
// running, and the server's memory may not have grown since the load had settled.
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";

const base = new URL(process.env.BASE_URL);
const metricsUrl = process.env.METRICS_URL;
const server = Number(process.env.SERVER_PID);
const seconds = Number(process.env.SOTTO_LOAD_SECONDS ?? 6);
const clients = Number(process.env.SOTTO_LOAD_CLIENTS ?? 64);
const agent = new http.Agent({ keepAlive: true, maxSockets: clients });

let state = 12345;
const random = (below) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % below;
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Sends a request; `onResponse` may read it in its own way.
function send(path, body, onResponse) {
  return new Promise((resolve, reject) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const request = http.request(
      { host: base.hostname, port: base.port, path, method: "POST", agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text) } },
      (response) => onResponse(response, resolve, request));
    request.on("error", (error) => reject(error));
    request.end(text);
  });
}
const readAll = (response, resolve) => {
  let text = "";
  response.setEncoding("utf8");
  response.on("data", (part) => (text += part));
  response.on("end", () => resolve({ status: response.statusCode, text }));
  response.on("error", () => resolve({ status: 0, text }));
};
// A client that reads a little, rests, and goes on.
const readSlowly = (response, resolve) => {
  response.on("data", () => {
    response.pause();
    setTimeout(() => response.resume(), 40);
  });
  readAll(response, resolve);
};
const hangUp = (response, resolve, request) => {
  setTimeout(() => {
    request.destroy();
    resolve({ status: -1, text: "" });
  }, random(60));
  response.on("error", () => {});
};

function contentOf({ text }, stream) {
  if (!stream) {
    const { message, finish_reason } = JSON.parse(text).choices[0];
    return `${message.reasoning_content ?? ""}|${message.content}|${finish_reason}`;
  }
  let reasoning = "", content = "", finish = null;
  assert.ok(text.endsWith("data: [DONE]\n\n"), "a stream was cut off");
  for (const line of text.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    const [choice] = JSON.parse(line.slice(6)).choices;
    if (!choice) continue;
    reasoning += choice.delta.reasoning_content ?? "";
    content += choice.delta.content ?? "";
    finish = choice.finish_reason ?? finish;
  }
  return `${reasoning}|${content}|${finish}`;
}

const questions = ["What is a TEE?", "What is Sotto?", "What is attestation?", "Who are you?", "Tell me of keys."];
const schema = {
  type: "object", additionalProperties: false, required: ["a", "b"],
  properties: { a: { type: "string", maxLength: 9 }, b: { type: "array", items: { type: "integer" }, maxItems: 3 } },
};
const requests = Array.from({ length: 24 }, (_, i) => ({
  messages: [{ role: "user", content: (i % 3 === 0 ? "Data in use is protected. ".repeat(30) : "") + questions[i % 5] }],
  max_tokens: 8 + (i * 7) % 60, seed: i, temperature: i % 4 === 0 ? 0 : 1,
  ...(i % 6 === 5 ? { max_tokens: 300, response_format: { type: "json_schema", json_schema: { name: "x", schema } } } : {}),
}));
const bad = ["{", "[]", "{}", '{"messages":[]}', JSON.stringify({ ...requests[0], temperature: 99 }),
  JSON.stringify({ ...requests[0], max_tokens: 1e6 }), "\u0000".repeat(2000), JSON.stringify({ ...requests[0], model: "none" })];

const counts = { whole: 0, streamed: 0, slow: 0, left: 0, refused: 0, full: 0 };
async function client(alone, end) {
  while (Date.now() < end) {
    const i = random(requests.length);
    const kind = random(10);
    if (kind === 0) {
      const { status } = await send("/v1/chat/completions", bad[random(bad.length)], readAll);
      assert.ok(status >= 400 && status < 500, `a bad request got ${status}`);
      ++counts.refused;
    } else if (kind <= 2) {
      await send("/v1/chat/completions", { ...requests[i], max_tokens: 400, stream: true }, hangUp).catch(() => {});
      ++counts.left;
    } else {
      const stream = kind >= 5;
      const reader = kind === 9 ? readSlowly : readAll;
      const answer = await send("/v1/chat/completions", { ...requests[i], stream }, reader);
      if (answer.status === 429) {
        ++counts.full;
        await sleep(50);
        continue;
      }
      assert.equal(answer.status, 200, answer.text);
      assert.equal(contentOf(answer, stream), alone[i], `request ${i} got another answer`);
      ++counts[kind === 9 ? "slow" : stream ? "streamed" : "whole"];
    }
  }
}

const resident = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${server}/status`, "utf8"))[1]);
const gauge = async (name) => {
  const text = await (await fetch(metricsUrl)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)[1]);
};

const alone = [];
for (const request of requests) {
  const answer = await send("/v1/chat/completions", request, readAll);
  assert.equal(answer.status, 200, answer.text);
  alone.push(contentOf(answer, false));
}
const begin = Date.now();
const end = begin + seconds * 1000;
let settled = 0;
// Every client keeps what it needs by then.
setTimeout(() => (settled = resident()), seconds * 1000 / 2);
await Promise.all(Array.from({ length: clients }, () => client(alone, end)));
const grown = resident() / settled - 1;
for (let i = 0; i < 100 && (await gauge("sotto_sequences_running")) > 0; ++i) await sleep(100);
assert.equal(await gauge("sotto_sequences_running"), 0, "a sequence is stuck");
assert.equal(await gauge("sotto_sequences_waiting"), 0, "a sequence waits");
assert.equal(await gauge("sotto_kv_pages_used"), 0, "a page is lost");
console.log(`${clients} clients, ${seconds} s: ${JSON.stringify(counts)}`);
console.log(`memory: ${(settled / 1024).toFixed(1)} MiB half-way, ${(100 * grown).toFixed(2)} % more at the end`);
assert.ok(counts.streamed > 0 && counts.whole > 0 && counts.left > 0 && counts.refused > 0);
// A short run is over before allocators have settled.
if (seconds >= 60) assert.ok(grown < 0.05, "the server's memory grows");
agent.destroy();
