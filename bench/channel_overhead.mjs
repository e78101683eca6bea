// What the channel costs: tokens a second and the first token through `sotto proxy` (sealed, padded, with
// receipts), in turns with plain HTTP to the same server; what each kind of padding costs in bytes and in time; and how
// long a first verification takes.
// SPDX-License-Identifier: Apache-2.0
//
//   node bench/channel_overhead.mjs SOTTO MODEL [--pairs 5] [--tokens 96] [--streams 1,16] [--pads off,bucket,cadence]
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const [sotto, model] = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const pairs = Number(option("pairs", 5));
const tokens = Number(option("tokens", 96));
const pads = option("pads", "off,bucket,cadence").split(",").filter(Boolean);
const streamCounts = option("streams", "1,16").split(",").map(Number);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sotto-overhead-"));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function start(args, pattern) {
  const child = spawn(sotto, args, { env: { ...process.env, SOTTO_PLAIN: "true" } });
  process.on("exit", () => child.kill());
  let screen = "";
  child.stderr.on("data", (text) => (screen += text));
  while (!screen.includes("\ntry:")) {
    if (child.exitCode !== null) throw new Error(screen);
    await sleep(20);
  }
  const url = new URL(pattern.exec(screen)[1]);
  return { url, stop: () => new Promise((done) => { child.on("exit", done); child.kill(); }) };
}

// One connection each, kept, as clients do.
const agents = new Map();
function stream({ url }, prompt, tokens_max) {
  if (!agents.has(url.port)) agents.set(url.port, new http.Agent({ keepAlive: true }));
  const body = JSON.stringify({
    prompt, max_tokens: tokens_max, stream: true, stream_options: { include_usage: true }, temperature: 0,
    logit_bias: { 2: -100 },
  });
  const asked = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: url.hostname, port: url.port, path: "/v1/completions", method: "POST", agent: agents.get(url.port),
        headers: { "content-type": "application/json" } },
      (response) => {
        let first = 0, text = "";
        response.on("data", (part) => {
          text += part;
          if (text.includes('"text":')) first ||= performance.now();
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

async function rate(target, streams) {
  const done = await Promise.all(
    Array.from({ length: streams }, (_, i) => stream(target, Array(16).fill(300 + i), tokens)));
  const begin = Math.max(...done.map((one) => one.first));
  const end = Math.min(...done.map((one) => one.last));
  return done.reduce((sum, one) => sum + (one.tokens - 1) * (end - begin) / (one.last - one.first), 0) /
    ((end - begin) / 1000);
}

console.log(`${os.cpus()[0].model}, ${os.cpus().length} threads; ${path.basename(model)}`);
const most = Math.max(...streamCounts);
const startServer = (pad) =>
  start(["serve", model, "--tee", "simulated", "--listen", "127.0.0.1:0", "--context", "1024", "--parallel", `${most}`,
    "--speculate", "off", "--prefix-cache", "off", "--pad", pad, "--log", path.join(folder, "log")],
    /at (http[^,\s]*)/);
const startProxy = (origin) =>
  start(["proxy", origin, "--allow-simulated", "--listen", "127.0.0.1:0"], /at (http\S*)/);
const server = await startServer("bucket");
const proxy = await startProxy(server.url.origin);

for (const streams of streamCounts) {
  await rate(server, streams);
  await rate(proxy, streams);
  const ratios = [];
  for (let i = 0; i < pairs; ++i) {
    const plain = await rate(server, streams);
    const sealed = await rate(proxy, streams);
    ratios.push(sealed / plain);
    console.log(`  ${streams} streams: plain ${plain.toFixed(2)}, sealed ${sealed.toFixed(2)} tokens/s  ratio ${(sealed / plain).toFixed(3)}`);
  }
  console.log(`${streams} streams: median ratio ${median(ratios).toFixed(3)}`);
}

const first = async (target) => {
  const { asked, first } = await stream(target, [300, 301, 302], 1);
  return first - asked;
};
const plain = [], sealed = [];
for (let i = 0; i < 21; ++i) {
  plain.push(await first(server));
  sealed.push(await first(proxy));
}
console.log(`first token on a warm session: plain ${median(plain).toFixed(2)} ms, sealed ${median(sealed).toFixed(2)} ms`);

// The first verification of a session, evidence and all, as a program of its own; beside one that only says its version.
const timed = (...args) => {
  const begun = performance.now();
  execFileSync(sotto, args, { stdio: "ignore" });
  return performance.now() - begun;
};
const bare = [], verified = [];
for (let i = 0; i < 11; ++i) {
  bare.push(timed("--version"));
  verified.push(timed("verify", server.url.origin, "--allow-simulated", "--json"));
}
console.log(`fetching and verifying a bundle: ${(median(verified) - median(bare)).toFixed(1)} ms, of which the node makes its quote`);
await proxy.stop();
await server.stop();

// Passes bytes on and counts them, as whoever sits on the wire can.
async function startWire(to) {
  const wire = { up: 0, down: 0 };
  const relay = net.createServer({ noDelay: true }, (client) => {
    const node = net.connect({ port: to.port, host: to.hostname, noDelay: true });
    client.on("data", (part) => (wire.up += part.length)).pipe(node);
    node.on("data", (part) => (wire.down += part.length)).pipe(client);
    client.on("error", () => node.destroy());
    node.on("error", () => client.destroy());
  });
  await new Promise((done) => relay.listen(0, "127.0.0.1", done));
  wire.origin = `http://127.0.0.1:${relay.address().port}`;
  wire.stop = () => relay.close();
  return wire;
}

for (const pad of pads) {
  const node = await startServer(pad);
  const wire = await startWire(node.url);
  const through = await startProxy(wire.origin);
  await rate(through, 1);  // the session is warm
  const ratios = [], firsts = [], delays = [], down = [], up = [];
  for (let i = 0; i < pairs; ++i) {
    const plain = await rate(node, 1);
    [wire.up, wire.down] = [0, 0];
    ratios.push((await rate(through, 1)) / plain);
    down.push(wire.down / tokens);
    up.push(wire.up);
    for (let j = 0; j < 5; ++j) {
      const bare = await first(node);
      firsts.push(await first(through));
      delays.push(firsts.at(-1) - bare);
    }
  }
  console.log(`--pad ${pad}: ${median(ratios).toFixed(3)} of plain tokens/s; first token ${median(delays).toFixed(2)} ms later; ` +
    `${median(down).toFixed(0)} bytes a token on the wire, ${median(up)} of the request`);
  await through.stop();
  wire.stop();
  await node.stop();
}
fs.rmSync(folder, { recursive: true });
process.exit(0);
