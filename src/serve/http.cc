// Looking fields up.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http.h"

namespace sotto::serve {

std::string_view HttpRequest::field(std::string_view name) const {
  for (const auto& [field_name, value] : fields) {
    if (field_name == name) return value;
  }
  return {};
}

}  // namespace sotto::serve
