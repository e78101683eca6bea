// Oblivious HTTP at the server: sealed requests go to the very same handlers, sealed answers come back
// [RFC9458 §5, CHUNKED-OHTTP].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "channel/gateway_keys.h"
#include "channel/padding.h"
#include "serve/http.h"
#include "serve/router.h"

namespace sotto::serve {

inline constexpr uint64_t kInnerRequestBytesMax = 16 << 20;

class OhttpGateway {
 public:
  // `inner` answers what was sealed. Both must outlive the gateway's handlers.
  OhttpGateway(channel::GatewayKeys& keys, const Router& inner, channel::Padding padding)
      : keys_(keys), inner_(inner), padding_(padding) {}

  // GET /ohttp-keys and POST /ohttp.
  void add_routes(Router& router);

 private:
  Awaitable<void> answer(const HttpRequest& request, Exchange& exchange);

  channel::GatewayKeys& keys_;
  const Router& inner_;
  const channel::Padding padding_;
};

}  // namespace sotto::serve
