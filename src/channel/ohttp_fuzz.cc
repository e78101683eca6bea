// Any bytes as key configurations, as a sealed request, and as a sealed answer.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "channel/gateway_keys.h"
#include "channel/ohttp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::channel;
  static GatewayKeys keys(0);
  static const KeyConfig config = parse_key_configs(keys.configs()).value().at(0);
  const Bytes bytes(data, size);
  if (const auto configs = parse_key_configs(bytes)) {
    CHECK(parse_key_configs(serialize(*configs)).value().size() == configs->size());
    for (const KeyConfig& one : *configs) {
      if (auto client = ClientExchange::begin(one, Form::whole)) CHECK(client->seal_request({}));
    }
  }
  for (const Form form : {Form::whole, Form::chunked}) {
    CHECK(!keys.open(bytes, form, 1 << 16, 0));  // nobody guesses a seal
  }
  ClientExchange client = ClientExchange::begin(config, Form::chunked).value();
  const size_t half = size / 2;
  if (client.feed(bytes.first(half)) && client.feed(bytes.subspan(half))) CHECK(!client.finish());
  ClientExchange whole = ClientExchange::begin(config, Form::whole).value();
  CHECK(!whole.open_response(bytes));
  return 0;
}
