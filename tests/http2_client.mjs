// Many requests on one HTTP/2 connection, by Node's own client. The server's URL is the first argument.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http2 from 'node:http2';

const url = process.argv[2];
const path = '/v1/chat/completions';

function connect() {
  const session = http2.connect(url, { rejectUnauthorized: false, maxSessionMemory: 1000 });
  session.on('error', () => {}); // what matters is seen at the streams
  return session;
}

// The status and text of one answer; `write` may send the body by itself.
function ask(session, fields, body, write) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, ':method': 'POST', 'content-type': 'application/json', ...fields });
    let status = 0, text = '';
    stream.setEncoding('utf8');
    stream.on('response', (head) => (status = head[':status']));
    stream.on('data', (piece) => (text += piece));
    stream.on('end', () => resolve({ status, text }));
    stream.on('error', reject);
    write ? write(stream) : stream.end(body);
  });
}

const question = (n, more = {}) =>
  JSON.stringify({ model: 'demo', temperature: 0, max_tokens: 8, messages: [{ role: 'user', content: `Question ${n}` }], ...more });
const words = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text).choices[0].message.content;
};

// Streams beside each other have the answers that they have one after another.
let session = connect();
const alone = [];
for (let n = 0; n < 16; ++n) alone.push(words(await ask(session, {}, question(n))));
const together = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(session, {}, question(n % 16))));
together.forEach((answer, n) => assert.equal(words(answer), alone[n % 16]));

// Bodies that do not fit beside each other come one after another, their length said or not; all are refused alike.
const large = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'x'.repeat(3 << 20) }] });
const bodies = await Promise.all(
  Array.from({ length: 12 }, (_, n) => ask(session, n % 2 ? { 'content-length': large.length } : {}, large)));
for (const { status } of bodies) assert.equal(status, bodies[0].status);
assert.equal(bodies[0].status, 400, bodies[0].text);
assert.equal((await ask(session, {}, 'x'.repeat((16 << 20) + 1))).status, 413);

// Who takes a request back, or does not read its answer, does not hold up the others.
await new Promise((resolve) => {
  const stream = session.request({ ':path': path, ':method': 'POST', 'content-type': 'application/json' });
  stream.once('data', () => stream.close(http2.constants.NGHTTP2_CANCEL, resolve));
  stream.end(question(1, { stream: true, max_tokens: 500 }));
});
const unread = session.request({ ':path': '/v1/completions', ':method': 'POST', 'content-type': 'application/json' });
unread.end(JSON.stringify({ prompt: 'On', max_tokens: 400, n: 8, stream: true, logit_bias: { 2043: -100, 2045: -100 } })); // no end
await new Promise((resolve) => unread.once('response', resolve)); // more than its window comes, and nobody reads it
assert.equal(words(await ask(session, {}, question(3))), alone[3]);
let late = '';
for await (const piece of unread.setEncoding('utf8')) late += piece;
assert.ok(late.endsWith('data: [DONE]\n\n'), `${late.length} characters, and no end`);
assert.ok(late.length > 65535, `only ${late.length} characters, which fit into its window`);

// Server-sent events, and the whole ends where it should.
const events = await ask(session, {}, question(2, { stream: true }));
assert.ok(events.text.endsWith('data: [DONE]\n\n'));
session.close();

// Bytes that are no HTTP/2 after all, and a request that is not whole: the server is none the worse.
session = connect();
await new Promise((resolve) => session.once('connect', resolve));
session.request({ ':path': path, ':method': 'POST' }).on('error', () => {}).write('{');
session.destroy();

session = connect();
assert.equal(words(await ask(session, {}, question(5))), alone[5]);
session.close();
console.log('100 streams, 12 large bodies');
