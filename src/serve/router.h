// Which handler a request goes to, by method and path.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"

namespace sotto::serve {

// Built before it serves, then immutable. A path that ends with '/' stands for all that go on after it.
class Router {
 public:
  void add(std::string method, std::string path, Handler handler);

  // 404 for a path that is not there, 405 with what it allows for a method that is not; HEAD goes where
  // GET goes.
  Awaitable<void> operator()(const HttpRequest& request, Exchange& exchange) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    Handler handler;
  };
  std::vector<Route> routes_;
};

// "%2F" to "/" and the like; `malformed` for what is not two hexadecimal digits, or gives a NUL.
Result<std::string> percent_decode(std::string_view text);

}  // namespace sotto::serve
