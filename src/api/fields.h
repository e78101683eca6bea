// Reading an object of a request so that no field is overlooked: taken, known to be harmless, or refused.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/error.h"

namespace sotto::api {

// Borrows the object. A field that is null counts as absent, as OpenAI's API has it. Messages name
// the field and never show a value.
class Fields {
 public:
  // `path` is the object's own name, such as "messages[0]"; empty for the body.
  Fields(const boost::json::object& object, std::string path)
      : object_(object), path_(std::move(path)) {}

  std::string name_of(std::string_view field) const;

  const boost::json::value* take(std::string_view field);  // nullptr when absent
  ApiResult<std::optional<bool>> boolean(std::string_view field);
  ApiResult<std::optional<int64_t>> integer(std::string_view field, int64_t least, int64_t most);
  ApiResult<std::optional<double>> number(std::string_view field, double least, double most);
  ApiResult<std::optional<std::string>> string(std::string_view field, size_t bytes_max);
  // One of the given words.
  ApiResult<std::optional<std::string>> word(std::string_view field,
                                             std::initializer_list<std::string_view> words);
  ApiResult<const boost::json::array*> array(std::string_view field, size_t count_max);
  ApiResult<const boost::json::object*> object(std::string_view field);

  // Fields that change nothing here, whatever they say.
  void harmless(std::initializer_list<std::string_view> fields);
  // Refuses what OpenAI's API has and we do not, if it is there.
  ApiResult<void> refuse(std::string_view field, std::string_view why);
  // Whatever was not taken is a mistake of the caller's.
  ApiResult<void> done() const;

 private:
  const boost::json::object& object_;
  std::string path_;
  std::vector<std::string_view> taken_;
};

}  // namespace sotto::api
