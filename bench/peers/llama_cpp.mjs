// Measures the prebuilt llama.cpp of node-llama-cpp on a GGUF file, for `sotto bench --compare`.
// SPDX-License-Identifier: Apache-2.0
//
// The same work as `sotto bench`: every sequence reads a prompt of its own, one after another, then
// all of them decode together, one token each per step, greedily. Prints one line of JSON.
import { mkdtempSync, rmSync } from "node:fs";
import fs from "node:fs/promises";
import { register } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

const USAGE = `usage: node llama_cpp.mjs MODEL.gguf [options]
  --prompt N           tokens of each prompt (512)
  --generate N         tokens that each sequence generates (128)
  --parallel N         sequences (1)
  --threads N          threads that compute (2)
  --kv f16|q8_0        type of keys and values (f16)
  --flash-attention on|off|auto   (auto)
  --repeat N           runs; the medians are reported (1)
  --cpu NAME           only this build of llama.cpp's CPU code, such as haswell (AVX2) or zen4`;

function fail(message) {
  console.error(`llama_cpp.mjs: ${message}`);
  process.exit(1);
}

function parse(args) {
  const options = Object.fromEntries(
    ["prompt", "generate", "parallel", "threads", "kv", "flash-attention", "repeat", "cpu"].map(
      (name) => [name, { type: "string" }],
    ),
  );
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    fail(`${error.message}\n${USAGE}`);
  }
  const { values, positionals } = parsed;
  if (positionals.length !== 1) fail(`one model file is needed\n${USAGE}`);
  const number = (name, fallback) => {
    const value = Number(values[name] ?? fallback);
    if (!Number.isInteger(value) || value < 0) fail(`--${name} is not a whole number`);
    return value;
  };
  const choice = (name, choices) => {
    const value = values[name] ?? choices[0];
    if (!choices.includes(value)) fail(`--${name} is one of ${choices.join(", ")}`);
    return value;
  };
  return {
    model: positionals[0],
    prompt: number("prompt", 512),
    generate: number("generate", 128),
    parallel: number("parallel", 1),
    threads: number("threads", 2),
    repeat: number("repeat", 1),
    kv: choice("kv", ["f16", "q8_0"]).toUpperCase(),
    flashAttention: { auto: "auto", on: true, off: false }[
      choice("flash-attention", ["auto", "on", "off"])
    ],
    batch: Math.max(512, number("parallel", 1)),
    cpu: values.cpu,
  };
}

// llama.cpp loads the best for the machine of the libggml-cpu-*.so that lie beside it. To have one in
// particular, it is given a folder where the others are missing.
async function loadOnly(cpu) {
  const parts = "@node-llama-cpp/linux-x64";
  const { getBinsDir } = await import(parts);
  const { binsDir, packageVersion } = getBinsDir();
  const from = path.join(binsDir, "linux-x64");
  const files = await fs.readdir(from);
  const wanted = `libggml-cpu-${cpu}.so`;
  if (!files.includes(wanted)) {
    const names = files.flatMap((file) => file.match(/^libggml-cpu-(.+)\.so$/)?.[1] ?? []);
    fail(`--cpu ${cpu}: there are ${names.join(", ")}`);
  }
  const copy = mkdtempSync(path.join(tmpdir(), "sotto-llama-cpp-"));
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
  for (const file of files) {
    if (file.startsWith("libggml-cpu-") && file !== wanted) continue;
    await fs.mkdir(path.join(copy, "linux-x64"), { recursive: true });
    await fs.copyFile(path.join(from, file), path.join(copy, "linux-x64", file));
  }
  // node-llama-cpp asks this package where its libraries are; from here on it is told of the copy.
  const answer = JSON.stringify({ binsDir: copy, packageVersion });
  const standIn = `export const getBinsDir = () => (${answer});`;
  const hook = `export const resolve = (specifier, context, next) =>
    specifier === ${JSON.stringify(parts)}
      ? { url: ${JSON.stringify(asModule(standIn))}, shortCircuit: true }
      : next(specifier, context);`;
  register(asModule(hook));
}

const asModule = (code) => `data:text/javascript,${encodeURIComponent(code)}`;

// The build of llama.cpp's CPU code that this process has mapped, which is the one that ran.
async function cpuLoaded() {
  const maps = await fs.readFile("/proc/self/maps", "utf8");
  const names = new Set([...maps.matchAll(/libggml-cpu-([\w.-]+)\.so/g)].map((match) => match[1]));
  return [...names].join("+") || "unknown";
}

// Token ids spread over the vocabulary; the first 300 may be special.
function madeUpPrompt(lane, count, vocabulary) {
  let state = BigInt(lane + 1);
  return Array.from({ length: count }, () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return 300 + Number((state >> 33n) % BigInt(vocabulary - 300));
  });
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const secondsSince = (start) => Number(process.hrtime.bigint() - start) / 1e9;

// The package's own scheduling of several sequences costs as much as the model here, so batches are
// made by hand, from the layer below it (its version is pinned): nothing but llama.cpp is measured.
class Lanes {
  constructor(llama, model, context, prompts) {
    this.context = context._ctx;
    this.samplers = prompts.map(() => new llama._bindings.AddonSampler(model._model));
    for (const sampler of this.samplers) sampler.applyConfig({ temperature: 0 });
    this.prompts = prompts;
  }

  async readPrompt(lane, batchTokens) {
    const tokens = this.prompts[lane];
    for (let at = 0; at < tokens.length; at += batchTokens) {
      const piece = Uint32Array.from(tokens.slice(at, at + batchTokens));
      const last = at + piece.length === tokens.length;
      this.context.initBatch(piece.length);
      const wanted = Uint32Array.from(last ? [piece.length - 1] : []);
      const [logits] = this.context.addToBatch(lane, at, piece, wanted);
      await this.context.decodeBatch();
      if (last) this.next[lane] = await this.context.sampleToken(logits, this.samplers[lane]);
    }
  }

  async readPrompts(batchTokens) {
    this.next = this.prompts.map((_, lane) => lane);
    for (const lane of this.prompts.keys()) {
      this.context.disposeSequence(lane);
      await this.readPrompt(lane, batchTokens);
    }
  }

  async generate(count) {
    for (let step = 0; step < count; ++step) {
      this.context.initBatch(this.prompts.length);
      const logits = this.prompts.map((prompt, lane) => {
        const token = Uint32Array.from([this.next[lane]]);
        return this.context.addToBatch(lane, prompt.length + step, token, Uint32Array.from([0]))[0];
      });
      await this.context.decodeBatch();
      this.next = await Promise.all(
        logits.map((index, lane) => this.context.sampleToken(index, this.samplers[lane])),
      );
    }
  }
}

async function measure(options, lanes) {
  const seconds = { prompt: [], generate: [] };
  for (let run = 0; run < options.repeat; ++run) {
    let start = process.hrtime.bigint();
    await lanes.readPrompts(options.batch);
    seconds.prompt.push(secondsSince(start));
    start = process.hrtime.bigint();
    await lanes.generate(options.generate);
    seconds.generate.push(secondsSince(start));
  }
  return {
    prompt_tokens_per_second: (options.parallel * options.prompt) / median(seconds.prompt),
    generate_tokens_per_second: (options.parallel * options.generate) / median(seconds.generate),
  };
}

async function main() {
  const options = parse(process.argv.slice(2));
  if (options.cpu !== undefined) await loadOnly(options.cpu);
  const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
  const llama = await getLlama({
    gpu: false,
    build: "never",
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: options.threads,
  });
  const model = await llama.loadModel({ modelPath: options.model });
  const context = await model.createContext({
    contextSize: options.prompt + options.generate + 1,
    batchSize: options.batch,
    sequences: options.parallel,
    threads: { ideal: options.threads, min: options.threads },
    flashAttention: options.flashAttention,
    experimentalKvCacheKeyType: options.kv,
    experimentalKvCacheValueType: options.kv,
  });
  const { metadata } = model.fileInfo;
  const vocabulary = metadata[metadata.general.architecture].vocab_size ?? 32000;
  const prompts = Array.from({ length: options.parallel }, (_, lane) =>
    madeUpPrompt(lane, options.prompt, vocabulary));
  const rates = await measure(options, new Lanes(llama, model, context, prompts));
  const { prompt, generate, parallel, threads, repeat, kv } = options;
  console.log(JSON.stringify({
    ...rates,
    peer: `llama.cpp ${llama.llamaCppRelease.release}`,
    cpu: await cpuLoaded(),
    ...{ prompt, generate, parallel, threads, repeat, kv },
    flash_attention: options.flashAttention,
  }));
  await llama.dispose();
}

try {
  await main();
} catch (error) {
  fail(error.message);
}
