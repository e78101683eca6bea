// What the server costs beside the engine: tokens a second through HTTP, and as `sotto bench` measures
// them, in turns on one machine; and how long one key waits while another one floods.
// SPDX-License-Identifier: Apache-2.0
//
//   node bench/serve_overhead.mjs SOTTO MODEL [--pairs 3] [--tokens 96] [--streams 1,16]
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";

const [sotto, model] = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const pairs = Number(option("pairs", 3));
const tokens = Number(option("tokens", 96));
const streamCounts = option("streams", "1,16").split(",").map(Number);
const most = Math.max(...streamCounts);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sotto-overhead-"));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function start(...more) {
  const server = spawn(sotto, ["serve", model, "--tee", "none", "--listen", "127.0.0.1:0", "--context", "1024", "--parallel",
    `${most}`, "--speculate", "off", "--log", path.join(folder, "log"), ...more]);
  process.on("exit", () => server.kill());
  let screen = "";
  server.stderr.on("data", (text) => (screen += text));
  while (!screen.includes("\ntry:")) {
    if (server.exitCode !== null) throw new Error(screen);
    await sleep(50);
  }
  const url = new URL(/at (http[^,\s]*)/.exec(screen)[1]);
  return { url, stop: () => new Promise((done) => { server.on("exit", done); server.kill(); }) };
}

// One streamed completion: when its first and its last event came, and how many tokens it had.
function stream({ url }, prompt, tokens_max, key) {
  const body = JSON.stringify({
    prompt, max_tokens: tokens_max, stream: true, stream_options: { include_usage: true }, temperature: 0,
    logit_bias: { 2: -100 },
  });
  const asked = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: url.hostname, port: url.port, path: "/v1/completions", method: "POST",
        headers: { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) } },
      (response) => {
        let first = 0, text = "";
        response.on("data", (part) => {
          first ||= performance.now();
          text += part;
        });
        response.on("end", () => {
          const usage = /"completion_tokens":(\d+)/.exec(text);
          if (!usage) return reject(new Error(text.slice(0, 300)));
          resolve({ asked, first, last: performance.now(), tokens: Number(usage[1]) });
        });
      });
    request.on("error", reject);
    request.end(body);
  });
}

// Tokens a second of all streams together, while all of them run.
async function through_server(server, streams) {
  const done = await Promise.all(
    Array.from({ length: streams }, (_, i) => stream(server, Array(16).fill(300 + i), tokens)));
  const begin = Math.max(...done.map((one) => one.first));
  const end = Math.min(...done.map((one) => one.last));
  return done.reduce((sum, one) => sum + (one.tokens - 1) * (end - begin) / (one.last - one.first), 0) /
    ((end - begin) / 1000);
}

function through_bench(streams) {
  const text = execFileSync(sotto, ["bench", model, "--prompt", "16", "--generate", `${tokens}`, "--parallel",
    `${streams}`, "--repeat", "1", "--json"], { stdio: ["ignore", "pipe", "ignore"] });
  return JSON.parse(text).generate_tokens_per_second;
}

console.log(`${os.cpus()[0].model}, ${os.cpus().length} threads; ${path.basename(model)}`);
for (const streams of streamCounts) {
  const rates = [];
  for (let i = 0; i < pairs; ++i) {
    const bench = through_bench(streams);
    const server = await start();
    await through_server(server, streams);
    const served = await through_server(server, streams);
    await server.stop();
    rates.push({ bench, served });
    console.log(`  ${streams} streams: bench ${bench.toFixed(2)}, server ${served.toFixed(2)} tokens/s` +
      `  ratio ${(served / bench).toFixed(3)}`);
  }
  console.log(`${streams} streams: median ratio ${median(rates.map((pair) => pair.served / pair.bench)).toFixed(3)}`);
}

// Two keys: one asks for a token by itself, then while the other one has 32 long requests waiting.
const keys = path.join(folder, "keys.toml");
const key = (name) => execFileSync(sotto, ["keys", "add", name, "--keys", keys],
  { stdio: ["ignore", "pipe", "ignore"] }).toString().trim();
const [quiet, flood] = [key("quiet"), key("flood")];
const server = await start("--keys", keys, "--prefix-cache", "off");
const prompt = (seed) => Array.from({ length: 256 }, (_, i) => 300 + (i * 7 + seed) % 1700);
const first_token = async (seed) => {
  const { asked, first } = await stream(server, prompt(seed), 2, quiet);
  return first - asked;
};
await first_token(0);
const alone = [], crowded = [];
for (let i = 1; i <= 5; ++i) alone.push(await first_token(i));
const others = Array.from({ length: 32 }, (_, i) => stream(server, prompt(100 + i), 200, flood));
await sleep(3000);
for (let i = 1; i <= 5; ++i) crowded.push(await first_token(50 + i));
console.log(`first token of 256: alone ${median(alone).toFixed(0)} ms, beside a flood ${median(crowded).toFixed(0)} ms` +
  ` (${(median(crowded) / median(alone)).toFixed(2)} times)`);
for (const other of others) other.catch(() => {});
await server.stop();
fs.rmSync(folder, { recursive: true });
process.exit(0);
