// An exchange inside an Oblivious HTTP message: what a handler answers is padded, sealed and sent.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "channel/ohttp.h"
#include "channel/padding.h"
#include "serve/http.h"

namespace sotto::serve {

// A message of the form `whole` goes out when the handler has finished; in chunks each piece goes out
// at once, or with Padding::cadence at the next beat.
class SealedExchange final : public Exchange {
 public:
  SealedExchange(Exchange& outer, channel::GatewayExchange gateway, channel::Form form,
                 channel::Padding padding);

  Awaitable<Result<void>> send(HttpAnswer answer) override;
  Awaitable<Result<void>> start(HttpAnswer answer) override;
  Awaitable<Result<void>> write(std::string piece) override;
  Awaitable<Result<void>> finish() override;
  // Once the handler is done with it, however it ended: nothing of ours runs after this.
  Awaitable<void> settle();
  bool answered() const override { return answered_; }
  boost::asio::any_io_executor executor() override { return outer_.executor(); }
  void on_gone(std::function<void()> callback) override { outer_.on_gone(std::move(callback)); }

 private:
  struct Beat;  // what the beating coroutine shares with us

  std::string seal(std::string_view content, bool last);
  std::string padded(std::string piece) const;
  Awaitable<Result<void>> send_whole(std::vector<uint8_t> message);
  static Awaitable<void> beat(std::shared_ptr<Beat> state, SealedExchange* self);

  Exchange& outer_;
  channel::GatewayExchange gateway_;
  const channel::Form form_;
  const channel::Padding padding_;
  bool answered_ = false;
  bool events_ = false;           // the content is server-sent events
  std::vector<uint8_t> message_;  // of the form `whole`, until it is finished
  std::shared_ptr<Beat> beat_;
};

}  // namespace sotto::serve
