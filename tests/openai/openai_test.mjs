// The official OpenAI client against a server at BASE_URL, whose key is in OPENAI_API_KEY.
// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat, zodFunction } from "openai/helpers/zod";
import { z } from "zod";

const baseURL = process.env.BASE_URL;
const client = new OpenAI({ baseURL, maxRetries: 0, timeout: 120_000 });
const ask = (content) => [{ role: "user", content }];
const question = { model: "demo", messages: ask("What is a TEE?"), max_tokens: 40, seed: 5 };

const tests = {
  async "models are listed and shown"() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.deepEqual(ids, ["demo"]);
    assert.equal((await client.models.retrieve("alias")).id, "demo");
  },

  async "a chat, whole and streamed, is the same"() {
    const whole = await client.chat.completions.create(question);
    assert.equal(whole.object, "chat.completion");
    assert.equal(whole.usage.completion_tokens, 40);
    assert.equal(whole.choices[0].finish_reason, "length");
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    let content = "", reasoning = "", usage;
    for await (const chunk of stream) {
      content += chunk.choices[0]?.delta.content ?? "";
      reasoning += chunk.choices[0]?.delta.reasoning_content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(content, whole.choices[0].message.content);
    assert.equal(reasoning, whole.choices[0].message.reasoning_content ?? "");
    assert.deepEqual({ ...usage, prompt_tokens_details: 0 }, { ...whole.usage, prompt_tokens_details: 0 });
    const helper = client.chat.completions.stream(question);
    assert.equal(await helper.finalContent(), whole.choices[0].message.content);
  },

  async "choices, log probabilities, stops and biases are honoured"() {
    const answer = await client.chat.completions.create({
      ...question, n: 3, logprobs: true, top_logprobs: 4, temperature: 1.2, max_completion_tokens: 12,
    });
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2]);
    for (const { logprobs } of answer.choices) {
      for (const token of logprobs.content) assert.equal(token.top_logprobs.length, 4);
    }
    const long = await client.completions.create({ model: "demo", prompt: "Sotto is", max_tokens: 30, temperature: 0 });
    const word = long.choices[0].text.trim().split(/\s+/)[2];
    const short = await client.completions.create({
      model: "demo", prompt: "Sotto is", max_tokens: 30, temperature: 0, stop: [word],
    });
    assert.equal(short.choices[0].finish_reason, "stop");
    assert.equal(short.choices[0].text, long.choices[0].text.split(word)[0]);
  },

  async "completions take several prompts and stream"() {
    const answer = await client.completions.create({ model: "demo", prompt: ["a", "b"], max_tokens: 5, echo: true });
    assert.equal(answer.choices.length, 2);
    assert.ok(answer.choices[1].text.startsWith("b"));
    let text = "";
    for await (const chunk of await client.completions.create({
      model: "demo", prompt: "Hello", max_tokens: 8, stream: true,
    })) text += chunk.choices[0]?.text ?? "";
    assert.ok(text.length > 0);
  },

  async "structured outputs parse and validate"() {
    const Person = z.object({
      name: z.string().max(24),
      age: z.int().min(0).max(150),
      kind: z.enum(["cat", "dog"]),
      tags: z.array(z.string().max(6)).max(2),
      home: z.object({ city: z.string().max(10), postcode: z.string().regex(/^\d{5}$/) }).nullable(),
    });
    for (let seed = 0; seed < 8; ++seed) {
      const answer = await client.chat.completions.parse({
        ...question, seed, max_tokens: 700, temperature: 1, response_format: zodResponseFormat(Person, "person"),
      });
      Person.parse(answer.choices[0].message.parsed);
      assert.equal(answer.choices[0].finish_reason, "stop");
    }
    const any = await client.chat.completions.create({
      ...question, max_tokens: 900, response_format: { type: "json_object" }, logit_bias: {},
    });
    if (any.choices[0].finish_reason === "stop") JSON.parse(any.choices[0].message.content);
    const matched = await client.chat.completions.create({
      ...question, grammar: 'root ::= "yes" | "no" " "{2} [a-f]+ ";"',
    });
    assert.match(matched.choices[0].message.content, /^(yes|no {2}[a-f]+;?)$/);
  },

  async "tools are called, whole, streamed and parsed"() {
    const parameters = z.object({ city: z.string().max(12), unit: z.enum(["C", "F"]) });
    const tools = [zodFunction({ name: "get_weather", parameters })];
    const request = { ...question, max_tokens: 400, tools, tool_choice: "required" };
    const parsed = await client.chat.completions.parse(request);
    const [call] = parsed.choices[0].message.tool_calls;
    assert.equal(parsed.choices[0].finish_reason, "tool_calls");
    assert.equal(parsed.choices[0].message.content, null);
    parameters.parse(call.function.parsed_arguments);
    const helper = client.chat.completions.stream(request);
    const streamed = await helper.finalMessage();
    assert.equal(streamed.tool_calls[0].function.name, "get_weather");
    assert.deepEqual(JSON.parse(streamed.tool_calls[0].function.arguments), JSON.parse(call.function.arguments));
    const named = await client.chat.completions.create({
      ...request,
      tools: [...tools, { type: "function", function: { name: "now" } }],
      tool_choice: { type: "function", function: { name: "now" } },
    });
    assert.equal(named.choices[0].message.tool_calls[0].function.name, "now");
    const after = await client.chat.completions.create({
      ...question, tools,
      messages: [
        ...question.messages, parsed.choices[0].message,
        { role: "tool", tool_call_id: call.id, content: "12 degrees" },
      ],
      tool_choice: "none",
    });
    assert.equal(after.choices[0].message.tool_calls, undefined);
    await client.chat.completions.create({ ...question, tools, parallel_tool_calls: false });
  },

  async "responses, whole, streamed and parsed"() {
    const request = { model: "demo", input: "What is Sotto?", max_output_tokens: 60, seed: 3 };
    const whole = await client.responses.create(request);
    assert.equal(whole.object, "response");
    assert.ok(whole.output_text.length > 0);
    const types = [];
    let text = "";
    const stream = client.responses.stream(request);
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    assert.equal(text, whole.output_text);
    assert.equal((await stream.finalResponse()).output_text, whole.output_text);
    assert.equal(types[0], "response.created");
    assert.ok(["response.completed", "response.incomplete"].includes(types.at(-1)));
    const Verdict = z.object({ verdict: z.enum(["good", "bad"]), score: z.number().min(0).max(1) });
    const parsed = await client.responses.parse({
      ...request, max_output_tokens: 300, text: { format: zodTextFormat(Verdict, "verdict") },
    });
    Verdict.parse(parsed.output_parsed);
    const called = await client.responses.create({
      ...request, max_output_tokens: 300, tool_choice: "required",
      tools: [{
        type: "function", name: "look", strict: true,
        parameters: {
          type: "object", properties: { at: { type: "integer" } }, required: ["at"], additionalProperties: false,
        },
      }],
    });
    const call = called.output.find((item) => item.type === "function_call");
    assert.equal(typeof JSON.parse(call.arguments).at, "number");
    const next = await client.responses.create({
      ...request,
      input: [
        { role: "user", content: "What is Sotto?" }, ...whole.output, call,
        { type: "function_call_output", call_id: call.call_id, output: "a program" },
      ],
    });
    assert.equal(next.status === "completed" || next.status === "incomplete", true);
    await assert.rejects(
      client.responses.create({ ...request, previous_response_id: whole.id }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === "previous_response_id",
    );
  },

  async "embeddings are unit vectors, in both encodings"() {
    const input = ["remote attestation", "a recipe for soup", "remote attestation"];
    const { data, usage } = await client.embeddings.create({ model: "demo", input });
    const plain = await client.embeddings.create({ model: "demo", input, encoding_format: "float" });
    assert.equal(data.length, 3);
    assert.ok(usage.prompt_tokens > 0);
    const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    assert.ok(Math.abs(dot(data[0].embedding, data[0].embedding) - 1) < 1e-4);
    assert.deepEqual(Array.from(data[0].embedding), Array.from(data[2].embedding));
    data[1].embedding.forEach((x, i) => assert.ok(Math.abs(x - plain.data[1].embedding[i]) < 1e-6));
    assert.ok(dot(data[0].embedding, data[1].embedding) < 0.999);
  },

  async "thinking has a budget"() {
    const short = await client.chat.completions.create({ ...question, max_reasoning_tokens: 3, max_tokens: 60 });
    const details = short.usage.completion_tokens_details;
    assert.ok(details.reasoning_tokens <= 8, `${details.reasoning_tokens}`);
    await client.chat.completions.create({ ...question, reasoning_effort: "none" });
  },

  async "prompts that begin alike are computed once"() {
    const long = "Confidential computing protects data in use. ".repeat(40);
    const send = (end) => client.chat.completions.create({ ...question, messages: ask(long + end), max_tokens: 2 });
    await send("What does it protect?");
    const { usage } = await send("From whom?");
    assert.ok(usage.prompt_tokens_details.cached_tokens >= 128, JSON.stringify(usage));
    assert.ok(usage.prompt_tokens_details.cached_tokens < usage.prompt_tokens);
  },

  async "errors have their types"() {
    const rejects = (request, type, code) =>
      assert.rejects(client.chat.completions.create({ ...question, ...request }),
        (error) => error instanceof type && error.code === code);
    await rejects({ model: "gpt-5" }, OpenAI.NotFoundError, "model_not_found");
    await rejects({ temperature: 9 }, OpenAI.BadRequestError, "invalid_value");
    await rejects({ audio: {} }, OpenAI.BadRequestError, "unsupported_parameter");
    await rejects({ colour: 1 }, OpenAI.BadRequestError, "unknown_parameter");
    await rejects({ max_tokens: 100000 }, OpenAI.BadRequestError, "context_length_exceeded");
    await rejects(
      { response_format: { type: "json_schema", json_schema: { name: "x", schema: { not: {} } } } },
      OpenAI.BadRequestError, "invalid_format");
    await rejects({ grammar: "root ::=" + " (".repeat(99) }, OpenAI.BadRequestError, "invalid_format");
    const stranger = new OpenAI({ baseURL, apiKey: "sk-sotto-none", maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },

  async "a stream can be left"() {
    for (let i = 0; i < 4; ++i) {
      const stream = await client.chat.completions.create({ ...question, max_tokens: 900, stream: true });
      let seen = 0;
      for await (const _ of stream) if (++seen === 3) break;
      const controller = new AbortController();
      // Long enough to be in its middle by then, whatever the model would say.
      const request = client.chat.completions.create(
        { ...question, n: 8, max_tokens: 900, grammar: "root ::= [a-z ]{4000}" }, { signal: controller.signal });
      setTimeout(() => controller.abort(), 20);
      await assert.rejects(request, OpenAI.APIUserAbortError);
    }
  },

  async "16 at once get the answers that they get alone"() {
    const requests = Array.from({ length: 16 }, (_, i) => ({
      model: "demo", messages: ask(`Question ${i}: what is attestation?`), max_tokens: 20 + i, seed: i, temperature: 1,
    }));
    const text = (answer) => JSON.stringify(answer.choices[0].message);
    const alone = [];
    for (const request of requests) alone.push(text(await client.chat.completions.create(request)));
    const together = await Promise.all(requests.map((request) => client.chat.completions.create(request)));
    assert.deepEqual(together.map(text), alone);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok: ${name}`);
  } catch (error) {
    ++failed;
    console.log(`FAILED: ${name}: ${error.stack}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
