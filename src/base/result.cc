// Names of the error kinds, as they are printed and tested.
// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

namespace sotto {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::malformed:
      return "malformed";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::untrusted:
      return "untrusted";
    case ErrorKind::expired:
      return "expired";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::exhausted:
      return "exhausted";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace sotto
