// Asking NVIDIA's service for manifests.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/rim_service.h"

#include <algorithm>

#include "attest/json/strict_json.h"
#include "attest/nvidia/verify.h"
#include "attest/nvidia/xml_document.h"
#include "base/text_encoding.h"

namespace sotto::attest::nvidia {
namespace {

constexpr uint64_t kAnswerBytesMax = 1 << 20;
constexpr size_t kIdBytesMax = 128;

bool is_plain(std::string_view id) {
  return id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

Result<void> fetch(const std::string& id, std::string_view name, const HttpGet& get,
                   Collateral& collateral, std::string_view url) {
  if (!is_plain(id)) return fail(ErrorKind::malformed, "the report names no plain manifest");
  Result<std::vector<uint8_t>> answer = get(std::string(url) + id, kAnswerBytesMax);
  if (!answer) return within(id, answer.error());
  const std::string_view json(reinterpret_cast<const char*>(answer->data()), answer->size());
  return collateral.add(std::string(name), TRY(parse_rim_answer(json, id)));
}

}  // namespace

Result<std::vector<uint8_t>> parse_rim_answer(std::string_view text, std::string_view id) {
  const boost::json::value value = TRY(parse_strict_json(text, kAnswerBytesMax));
  const boost::json::object* answer = value.if_object();
  if (answer == nullptr) return fail(ErrorKind::malformed, "the RIM service's answer is no object");
  const std::string_view name = TRY(json_string(*answer, "id", "RIM service's answer"));
  if (name != id) {
    return fail(ErrorKind::malformed, "the RIM service answered about \"{}\", not \"{}\"",
                name.substr(0, kIdBytesMax), id);
  }
  std::vector<uint8_t> xml = TRY(
      bytes_of_base64(TRY(json_string(*answer, "rim", "RIM service's answer")), Base64::standard));
  if (xml.empty() || xml.size() > kXmlBytesMax) {
    return fail(ErrorKind::malformed, "the RIM has {} bytes, 1 to {} are allowed", xml.size(),
                kXmlBytesMax);
  }
  return xml;
}

Result<void> fetch_rims(Bytes report, const crypto::Certificate& leaf, const HttpGet& get,
                        Collateral& collateral, std::string_view url) {
  const RimNames names = TRY(rim_names(report, leaf));
  if (!names.driver.empty()) TRY(fetch(names.driver, kDriverRim, get, collateral, url));
  return fetch(names.vbios, kVbiosRim, get, collateral, url);
}

}  // namespace sotto::attest::nvidia
