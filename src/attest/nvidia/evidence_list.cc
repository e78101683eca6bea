// Reading lists of devices' evidence.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/evidence_list.h"

#include "attest/json/strict_json.h"
#include "base/text_encoding.h"

namespace sotto::attest::nvidia {
namespace {

namespace json = boost::json;

std::optional<std::string> text_or_nothing(const json::object& object, std::string_view name) {
  const Result<std::string_view> text = json_string(object, name, "evidence");
  if (!text) return std::nullopt;
  return std::string(*text);
}

Result<DeviceEvidence> read_device(const json::value& value, const json::object* common) {
  const json::object* object = value.if_object();
  if (object == nullptr) return fail(ErrorKind::malformed, "a device's evidence is no object");
  DeviceEvidence device;
  device.report =
      TRY(bytes_of_base64(TRY(json_string(*object, "evidence", "evidence")), Base64::standard));
  device.chain =
      TRY(bytes_of_base64(TRY(json_string(*object, "certificate", "evidence")), Base64::standard));
  device.nonce = text_or_nothing(*object, "nonce");
  std::optional<std::string> architecture = text_or_nothing(*object, "arch");
  if (common != nullptr) {
    const std::optional<std::string> nonce = text_or_nothing(*common, "nonce");
    if (nonce && device.nonce && *nonce != *device.nonce) {
      return fail(ErrorKind::malformed, "a device's nonce is not that of the list");
    }
    if (!device.nonce) device.nonce = nonce;
    if (!architecture) architecture = text_or_nothing(*common, "arch");
  }
  device.architecture = architecture.value_or("");
  return device;
}

}  // namespace

Result<std::vector<DeviceEvidence>> parse_evidence_list(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, kEvidenceListBytesMax));
  const json::object* common = value.if_object();
  const json::value* list = common == nullptr ? &value : common->if_contains("evidence_list");
  if (list == nullptr || !list->is_array()) {
    return fail(ErrorKind::malformed, "there is no list of evidence");
  }
  const json::array& devices = list->get_array();
  if (devices.empty() || devices.size() > kDevicesMax) {
    return fail(ErrorKind::malformed, "evidence of {} devices, 1 to {} are allowed", devices.size(),
                kDevicesMax);
  }
  std::vector<DeviceEvidence> found;
  for (const json::value& device : devices) {
    Result<DeviceEvidence> evidence = read_device(device, common);
    if (!evidence) return within(fmt::format("device {}", found.size()), evidence.error());
    found.push_back(*std::move(evidence));
  }
  return found;
}

}  // namespace sotto::attest::nvidia
