// How a function says that something an outsider sent or did cannot be used.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sotto {

// Short on purpose: callers act on the kind, people read the message.
enum class ErrorKind {
  malformed,    // the bytes do not follow their format
  unsupported,  // well formed, but not something this program can do
  untrusted,    // a signature, digest or measurement is not the expected one
  expired,      // outside its validity
  unavailable,  // a file, device or collateral is not there
  denied,       // the caller may not
  exhausted,    // a limit is reached; later or smaller may work
  cancelled,    // the caller asked to stop
  internal,     // our own invariant did not hold
};

std::string_view to_string(ErrorKind kind);

// `message` names the field, the place and both values. It never holds prompt text, tokens or keys.
struct Error {
  ErrorKind kind;
  std::string message;
};

// A value or an Error; ignoring one is a compile error. `Result<void>` carries success or an Error.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  using std::expected<T, Error>::operator=;
};

// Makes the failed side of any Result: `return fail(ErrorKind::malformed, "magic is {:#x}",
// magic);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

// The same error with where it happened in front: "metadata key 3: length 9 is beyond the file".
[[nodiscard]] inline std::unexpected<Error> within(std::string_view where, Error error) {
  return std::unexpected(Error{error.kind, fmt::format("{}: {}", where, error.message)});
}

// `value = TRY(expression);` and `TRY(expression);`: the value, or return the expression's error.
#define TRY(...)                                                            \
  __extension__({                                                           \
    auto&& try_result = (__VA_ARGS__);                                      \
    if (!try_result) return std::unexpected(std::move(try_result).error()); \
    std::move(try_result).value();                                          \
  })

}  // namespace sotto
