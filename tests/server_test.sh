#!/usr/bin/env bash
# The server as its users meet it: keys, chats, streams, errors, canaries, a stop.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/with_server.sh"

fail() {
  echo "FAILED: $*"
  exit 1
}
# expect WHAT TEXT PART: TEXT has PART in it.
expect() { [[ $2 == *"$3"* ]] || fail "$1: no '$3' in: ${2:0:600}"; }

if "$sotto" serve demo --listen 0.0.0.0:0 2>refused; then fail "it listens to all without keys"; fi
expect "without keys" "$(cat refused)" "--keys"

# Flags count more than variables, these more than the file.
printf 'parallel = 3\nkv = "q8_0"\nlisten = ["127.0.0.1:1", "unix:a"]\nqueue = 7\n' >config
effective=$(SOTTO_QUEUE=8 SOTTO_GRACE=9 "$sotto" serve demo --config config --kv f16 --print-config)
for line in "listen = ['127.0.0.1:1', 'unix:a']" 'parallel = 3' "kv = 'f16'" 'queue = 8' 'grace = 9'; do
  expect config "$effective" "$line"
done
"$sotto" serve demo --print-config --config <(printf '%s\n' "$effective") | diff - <(printf '%s\n' "$effective")
for bad in 'colour = 1' 'parallel = 0' 'parallel = "x"' 'kv = "f64"' 'parallel = [' 'parallel = { a = 1 }'; do
  printf '%s\n' "$bad" >bad
  if "$sotto" serve demo --config bad --print-config >/dev/null 2>refused; then fail "it takes $bad"; fi
  expect "$bad" "$(cat refused)" --config
done
if "$sotto" serve demo --config nowhere --print-config 2>/dev/null; then fail "it takes no file"; fi

key=$("$sotto" keys add alice --keys keys.toml 2>/dev/null)
slow=$("$sotto" keys add bob --keys keys.toml --requests-per-minute 1 2>/dev/null)
[ "$(stat -c %a keys.toml)" = 600 ] || fail "others may read the keys"
if grep -q "${key#sk-sotto-????????-}" keys.toml; then fail "the key itself is in the file"; fi

start_server name,other=demo --listen 127.0.0.1:0 --listen unix:socket --admin 127.0.0.1:0 \
  --keys keys.toml --log log

# ask PATH BODY [curl options]
ask() {
  local path=$1 body=$2
  shift 2
  curl -sS -H "authorization: Bearer $key" -H 'content-type: application/json' "$@" \
    -d "$body" "$url$path"
}
chat='"messages":[{"role":"user","content":"canaryprompt: What is a TEE?"}],"max_tokens":24'

expect models "$(curl -sS -H "authorization: Bearer $key" "$url/v1/models/other")" '"id":"name"'
one=$(ask /v1/chat/completions "{$chat,\"seed\":7}")
two=$(ask /v1/chat/completions "{$chat,\"seed\":7,\"model\":\"other\"}")
expect chat "$one" '"finish_reason":"length"'
content() { python3 -c 'import json,sys; m=json.load(sys.stdin)["choices"][0]["message"]; print(m.get("reasoning_content"), m["content"])'; }
[ "$(content <<<"$one")" = "$(content <<<"$two")" ] || fail "the same seed gave two answers"

stream=$(ask /v1/chat/completions "{$chat,\"seed\":7,\"stream\":true,\"stream_options\":{\"include_usage\":true}}")
expect stream "$stream" 'data: [DONE]'
expect usage "$stream" '"completion_tokens":24'
joined=$(python3 -c '
import json, sys
reasoning = content = ""
for line in sys.stdin:
    if not line.startswith("data: {"): continue
    for choice in json.loads(line[6:])["choices"]:
        reasoning += choice["delta"].get("reasoning_content", "")
        content += choice["delta"].get("content", "")
print(reasoning, content)' <<<"$stream")
[ "$joined" = "$(content <<<"$one")" ] || fail "the stream is not the whole answer: $joined"

unix=$(curl -sS --unix-socket socket -H "authorization: Bearer $key" -H 'content-type: application/json' \
  -d '{"prompt":"Hello","max_tokens":2,"logprobs":1}' http://localhost/v1/completions)
expect completions "$unix" '"token_logprobs"'
expect tokenize "$(ask /tokenize '{"content":"Hello there"}')" '"tokens":['
expect "no key" "$(curl -sS -i "$url/v1/models")" 'HTTP/1.1 401'
expect "bad key" "$(curl -sS -H "authorization: Bearer ${key}x" "$url/v1/models")" invalid_api_key
expect "unknown model" "$(ask /v1/chat/completions "{$chat,\"model\":\"x\"}" -i)" 'HTTP/1.1 404'
expect "unknown field" "$(ask /v1/chat/completions "{$chat,\"foo\":1}")" 'there is no parameter foo'
expect "tools" "$(ask /v1/chat/completions "{$chat,\"tools\":[{}]}")" "tools[0].type"
expect "too long" "$(ask /v1/completions '{"prompt":"x","max_tokens":100000}')" context_length_exceeded
expect "no JSON" "$(ask /v1/chat/completions '{')" invalid_json
first=$(curl -sS -H "authorization: Bearer $slow" "$url/v1/models")
expect "the first of a minute" "$first" '"list"'
expect "the second" "$(curl -sS -i -H "authorization: Bearer $slow" "$url/v1/models")" 'retry-after'

"$sotto" keys revoke bob --keys keys.toml 2>/dev/null
for _ in $(seq 50); do
  gone=$(curl -sS -H "authorization: Bearer $slow" "$url/v1/models")
  [[ $gone != *invalid_api_key* ]] || break
  sleep 0.1
done
expect revoked "$gone" invalid_api_key

expect metrics "$(curl -sS "$metrics")" 'sotto_requests_total{route="chat",status="200"} 3'
expect "no metrics for all" "$(curl -sS -H "authorization: Bearer $key" "$url/metrics")" not_found

chunked=$(ask /v1/completions '{"prompt":"Hello","max_tokens":2}' -H 'transfer-encoding: chunked')
expect "a chunked body" "$chunked" '"completion_tokens":2'

# 8 clients at once, some of whom hang up: nothing stays behind.
for i in $(seq 8); do
  ask /v1/chat/completions "{$chat,\"stream\":true,\"max_tokens\":400}" -N --max-time 0.$((i % 3 + 1)) \
    >/dev/null 2>&1 &
  clients+=($!)
done
wait "${clients[@]}" || true
for _ in $(seq 50); do
  idle=$(curl -sS "$metrics")
  [[ $idle != *"sotto_sequences_running 0"* ]] || break
  sleep 0.1
done
expect "no sequence is stuck" "$idle" "sotto_sequences_running 0"
expect "no page is lost" "$idle" "sotto_kv_pages_used 0"

stop_server
expect usage "$("$sotto" keys list --keys keys.toml)" 'used: '
expect log "$(cat log)" '"key":"alice","route":"chat","model":"name","status":200'
if grep -rl -e canaryprompt -e "${key#sk-sotto-????????-}" .; then fail "prompts or keys are in these files"; fi
[ ! -e socket ] || fail "the socket is left behind"
echo "the server works"
