// Our half of an exchange for tests/ohttp_interop_test.sh: ohttp_client CONFIGS_HEX whole|chunked PATH BODY
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <iostream>
#include <string>

#include "base/text_encoding.h"
#include "channel/binary_http.h"
#include "channel/ohttp.h"

namespace {

using namespace sotto;
using namespace sotto::channel;

Result<int> run(const std::string& configs, bool chunked, const std::string& path,
                const std::string& body) {
  const KeyConfig config = TRY(parse_key_configs(TRY(bytes_of_hex(configs)))).front();
  ClientExchange exchange =
      TRY(ClientExchange::begin(config, chunked ? Form::chunked : Form::whole));
  BinaryRequest request{"POST", "https", "node.example", path, {}, {}};
  request.content.assign(body.begin(), body.end());
  const Secret plain = encode(request);
  std::vector<uint8_t> sealed;
  if (chunked) {
    sealed = exchange.header();
    for (const bool last : {false, true}) {
      const auto chunk = TRY(exchange.seal_chunk(last ? Bytes() : Bytes(plain), last));
      sealed.insert(sealed.end(), chunk.begin(), chunk.end());
    }
  } else {
    sealed = TRY(exchange.seal_request(plain));
  }
  std::cout << hex_of(sealed) << std::endl;
  std::string line;
  std::getline(std::cin, line);
  const std::vector<uint8_t> answer = TRY(bytes_of_hex(line));
  BinaryResponseReader reader(1 << 20);
  if (chunked) {
    TRY(reader.feed(TRY(exchange.feed(answer))));
    TRY(reader.feed(TRY(exchange.finish())));
  } else {
    TRY(reader.feed(TRY(exchange.open_response(answer))));
  }
  TRY(reader.finish());
  const Secret content = reader.take_content();
  std::cout << reader.status() << ' ' << as_text(content) << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const Result<int> done = run(argv[1], std::string(argv[2]) == "chunked", argv[3], argv[4]);
  if (!done) std::fprintf(stderr, "ohttp_client: %s\n", done.error().message.c_str());
  return done ? *done : 1;
}
