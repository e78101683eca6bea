// Independent halves of Oblivious HTTP against ours: their client asks our node, our client asks their gateway.
// SPDX-License-Identifier: Apache-2.0
//
//   node ohttp_test.mjs NODE_URL OHTTP_CLIENT
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { Aes128Gcm, Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { BHttpDecoder, BHttpEncoder } from "bhttp-js";

const [node, ohttpClient] = process.argv.slice(2);
const text = (s) => new TextEncoder().encode(s);
const join = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const kem = new DhkemX25519HkdfSha256();
const aeads = { 1: [new Aes128Gcm(), 16], 2: [new Aes256Gcm(), 32], 3: [new Chacha20Poly1305(), 32] };
const suiteOf = (aead) => new CipherSuite({ kem, kdf: new HkdfSha256(), aead: aeads[aead][0] });
const label = (chunked, what) => `message/bhttp ${chunked ? "chunked " : ""}${what}`;
const infoOf = (chunked, header) => join(text(label(chunked, "request")), [0], header);

const varint = (n) =>
  n < 64 ? Buffer.from([n]) : n < 16384 ? Buffer.from([0x40 | n >> 8, n & 255])
  : Buffer.from([0x80 | n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255]);

// Sealed chunks of a message behind its header or nonce; the last one comes last.
function split(bytes) {
  const chunks = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 << (bytes[at] >> 6);
    let value = bytes[at] & 0x3f;
    for (let i = 1; i < size; ++i) value = value * 256 + bytes[at + i];
    at += size;
    if (value === 0) {
      chunks.push(bytes.subarray(at));
      return chunks;
    }
    chunks.push(bytes.subarray(at, at + value));
    at += value;
  }
  throw new Error("cut");
}

// The response's key and nonces, by both sides alike.
async function responseKeys(context, aead, enc, nonce, chunked) {
  const [algorithm, keyBytes] = aeads[aead];
  const secret = Buffer.from(await context.export(text(label(chunked, "response")), Math.max(keyBytes, 12)));
  const salt = join(enc, nonce);
  const expand = (info, size) => Buffer.from(hkdfSync("sha256", secret, salt, info, size));
  assert.equal(createHmac("sha256", salt).update(secret).digest().length, 32);
  const key = algorithm.createEncryptionContext(expand("key", keyBytes));
  const base = expand("nonce", 12);
  const nonceOf = (i) => { const n = Buffer.from(base); n[11] ^= i & 255; n[10] ^= i >> 8; return n; };
  return { key, nonceOf };
}

function parseConfig(list) {
  const config = list.subarray(2, 2 + (list[0] << 8 | list[1]));
  return { id: config[0], key: config.subarray(3, 35) };
}

// Their client, our gateway.
async function ask(aead, chunked, path, body) {
  const list = Buffer.from(await (await fetch(`${node}/ohttp-keys`)).arrayBuffer());
  const { id, key } = parseConfig(list);
  const header = join([id], u16(0x20), u16(1), u16(aead));
  const suite = suiteOf(aead);
  const context = await suite.createSenderContext({
    recipientPublicKey: await kem.deserializePublicKey(key), info: infoOf(chunked, header) });
  const request = new Request(`https://node.example${path}`, body === undefined ? {} :
    { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const message = Buffer.from(await new BHttpEncoder().encodeRequest(request));
  let sealed = join(header, Buffer.from(context.enc));
  if (chunked) {
    const half = message.length >> 1;
    for (const part of [message.subarray(0, half), message.subarray(half)]) {
      const chunk = Buffer.from(await context.seal(part, Buffer.alloc(0)));
      sealed = join(sealed, varint(chunk.length), chunk);
    }
    sealed = join(sealed, [0], Buffer.from(await context.seal(Buffer.alloc(0), text("final"))));
  } else {
    sealed = join(sealed, Buffer.from(await context.seal(message, Buffer.alloc(0))));
  }
  const kind = chunked ? "ohttp-chunked" : "ohttp";
  const answer = await fetch(`${node}/ohttp`, {
    method: "POST", headers: { "content-type": `message/${kind}-req` }, body: sealed });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), `message/${kind}-res`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const nonceBytes = Math.max(aeads[aead][1], 12);
  const { key: responseKey, nonceOf } =
    await responseKeys(context, aead, Buffer.from(context.enc), bytes.subarray(0, nonceBytes), chunked);
  const rest = bytes.subarray(nonceBytes);
  const parts = [];
  const chunks = chunked ? split(rest) : [rest];
  for (const [i, chunk] of chunks.entries()) {
    const aad = chunked && i === chunks.length - 1 ? text("final") : Buffer.alloc(0);
    parts.push(Buffer.from(await responseKey.open(nonceOf(i), chunk, aad)));
  }
  return new BHttpDecoder().decodeResponse(join(...parts));
}

for (const aead of [1, 2, 3]) {
  for (const chunked of [false, true]) {
    const models = await ask(aead, chunked, "/v1/models");
    assert.equal(models.status, 200);
    assert.equal((await models.json()).data[0].id, "demo");
    const chat = await ask(aead, chunked, "/v1/chat/completions",
      { messages: [{ role: "user", content: "Hello" }], max_tokens: 5 });
    assert.equal(chat.status, 200);
    assert.equal((await chat.json()).usage.completion_tokens, 5);
    console.log(`ok: their client, our gateway, AEAD ${aead}, ${chunked ? "chunked" : "whole"}`);
  }
}

// Our client, their gateway: it prints the sealed request, reads the sealed response, prints what it opened.
for (const aead of [1, 2, 3]) {
  for (const chunked of [false, true]) {
    const pair = await kem.generateKeyPair();
    const key = Buffer.from(await kem.serializePublicKey(pair.publicKey));
    const config = join([9], u16(0x20), key, u16(4), u16(1), u16(aead));
    const child = spawn(ohttpClient, [join(u16(config.length), config).toString("hex"),
      chunked ? "chunked" : "whole", "/v1/echo", "the question"]);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const sealed = Buffer.from((await lines.next()).value, "hex");
    const header = sealed.subarray(0, 7);
    assert.deepEqual(header, join([9], u16(0x20), u16(1), u16(aead)));
    const enc = sealed.subarray(7, 39);
    const context = await suiteOf(aead).createRecipientContext({
      recipientKey: pair.privateKey, enc, info: infoOf(chunked, header) });
    const parts = [];
    const chunks = chunked ? split(sealed.subarray(39)) : [sealed.subarray(39)];
    for (const [i, chunk] of chunks.entries()) {
      const aad = chunked && i === chunks.length - 1 ? text("final") : Buffer.alloc(0);
      parts.push(Buffer.from(await context.open(chunk, aad)));
    }
    const request = new BHttpDecoder().decodeRequest(join(...parts));
    assert.equal(new URL(request.url).pathname, "/v1/echo");
    assert.equal(await request.text(), "the question");
    const response = Buffer.from(await new BHttpEncoder().encodeResponse(
      new Response("the answer", { status: 203, headers: { "x-told": "yes" } })));
    const nonce = randomBytes(Math.max(aeads[aead][1], 12));
    const { key: responseKey, nonceOf } = await responseKeys(context, aead, enc, nonce, chunked);
    let answer = nonce;
    if (chunked) {
      const first = Buffer.from(await responseKey.seal(nonceOf(0), response, Buffer.alloc(0)));
      const last = Buffer.from(await responseKey.seal(nonceOf(1), Buffer.alloc(0), text("final")));
      answer = join(answer, varint(first.length), first, [0], last);
    } else {
      answer = join(answer, Buffer.from(await responseKey.seal(nonceOf(0), response, Buffer.alloc(0))));
    }
    child.stdin.end(`${answer.toString("hex")}\n`);
    assert.equal((await lines.next()).value, "203 the answer");
    assert.equal(await new Promise((done) => child.on("exit", done)), 0);
    console.log(`ok: our client, their gateway, AEAD ${aead}, ${chunked ? "chunked" : "whole"}`);
  }
}
