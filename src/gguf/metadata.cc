// Typed look-ups in a model's metadata.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <type_traits>

#include "gguf/file.h"

namespace sotto::gguf {
namespace {

// Whether the value of one scalar type is given when another is asked for: any integer for any
// integer that holds it, either floating-point type for the other, else only the same type.
template <class To, class From>
constexpr bool kConvertible = std::is_same_v<To, From> ||
                              (std::is_integral_v<To> && std::is_integral_v<From> &&
                               !std::is_same_v<To, bool> && !std::is_same_v<From, bool>) ||
                              (std::is_floating_point_v<To> && std::is_floating_point_v<From>);

std::unexpected<Error> wrong_type(std::string_view key) {
  return fail(ErrorKind::malformed, "metadata key '{}' is not of the type expected of it", key);
}

std::unexpected<Error> missing(std::string_view key) {
  return fail(ErrorKind::malformed, "metadata key '{}' is missing", key);
}

template <class T>
Result<T> convert(std::string_view key, const Value& value) {
  return std::visit(
      [&]<class From>(const From& from) -> Result<T> {
        if constexpr (!kConvertible<T, From>) {
          return wrong_type(key);
        } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          if (!std::in_range<T>(from)) {
            return fail(ErrorKind::malformed, "metadata key '{}' is {}, out of its range", key,
                        from);
          }
          return static_cast<T>(from);
        } else {
          return static_cast<T>(from);
        }
      },
      value);
}

template <class T>
Result<const std::vector<T>*> items(std::string_view key, const Value* value) {
  if (value == nullptr) return missing(key);
  const Array* array = std::get_if<Array>(value);
  const std::vector<T>* found =
      array == nullptr ? nullptr : std::get_if<std::vector<T>>(&array->items);
  if (found == nullptr) return wrong_type(key);
  return found;
}

}  // namespace

Result<void> Metadata::add(std::string key, Value value) {
  const auto place = std::ranges::lower_bound(
      by_key_, key, {},
      [this](uint32_t index) -> const std::string& { return entries_[index].key; });
  if (place != by_key_.end() && entries_[*place].key == key) {
    return fail(ErrorKind::malformed, "metadata key '{}' is there twice", key);
  }
  by_key_.insert(place, static_cast<uint32_t>(entries_.size()));
  entries_.push_back({std::move(key), std::move(value)});
  return {};
}

const Value* Metadata::find(std::string_view key) const {
  const auto place = std::ranges::lower_bound(
      by_key_, key, {}, [this](uint32_t index) { return std::string_view(entries_[index].key); });
  return place != by_key_.end() && entries_[*place].key == key ? &entries_[*place].value : nullptr;
}

template <class T>
Result<T> Metadata::get(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  return convert<T>(key, *value);
}

template <class T>
Result<T> Metadata::get_or(std::string_view key, T fallback) const {
  const Value* value = find(key);
  if (value == nullptr) return fallback;
  return convert<T>(key, *value);
}

#define INSTANTIATE(T)                                         \
  template Result<T> Metadata::get<T>(std::string_view) const; \
  template Result<T> Metadata::get_or<T>(std::string_view, T) const;
INSTANTIATE(uint8_t)
INSTANTIATE(int8_t)
INSTANTIATE(uint16_t)
INSTANTIATE(int16_t)
INSTANTIATE(uint32_t)
INSTANTIATE(int32_t)
INSTANTIATE(uint64_t)
INSTANTIATE(int64_t)
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(bool)
INSTANTIATE(std::string)
#undef INSTANTIATE

Result<const std::vector<std::string>*> Metadata::strings(std::string_view key) const {
  return items<std::string>(key, find(key));
}

Result<const std::vector<float>*> Metadata::floats(std::string_view key) const {
  return items<float>(key, find(key));
}

Result<std::vector<int64_t>> Metadata::integers(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return missing(key);
  const Array* array = std::get_if<Array>(value);
  if (array == nullptr) return wrong_type(key);
  return std::visit(
      [&]<class T>(const std::vector<T>& from) -> Result<std::vector<int64_t>> {
        if constexpr (!kConvertible<int64_t, T>) {
          return wrong_type(key);
        } else {
          std::vector<int64_t> widened;
          widened.reserve(from.size());
          for (const T item : from) {
            if (!std::in_range<int64_t>(item)) {
              return fail(ErrorKind::malformed, "metadata key '{}' holds {}, out of its range", key,
                          item);
            }
            widened.push_back(static_cast<int64_t>(item));
          }
          return widened;
        }
      },
      array->items);
}

}  // namespace sotto::gguf
