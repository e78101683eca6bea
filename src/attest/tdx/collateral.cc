// Parsing TCB info and enclave identities.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/collateral.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <utility>

#include "attest/json/strict_json.h"
#include "attest/signed_json.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest::tdx {
namespace {

namespace json = boost::json;

constexpr std::pair<TcbStatus, std::string_view> kStatuses[] = {
    {TcbStatus::up_to_date, "UpToDate"},
    {TcbStatus::sw_hardening_needed, "SWHardeningNeeded"},
    {TcbStatus::configuration_needed, "ConfigurationNeeded"},
    {TcbStatus::configuration_and_sw_hardening_needed, "ConfigurationAndSWHardeningNeeded"},
    {TcbStatus::relaunch_advised, "TDRelaunchAdvised"},
    {TcbStatus::relaunch_advised_configuration_needed, "TDRelaunchAdvisedConfigurationNeeded"},
    {TcbStatus::out_of_date, "OutOfDate"},
    {TcbStatus::out_of_date_configuration_needed, "OutOfDateConfigurationNeeded"},
    {TcbStatus::revoked, "Revoked"},
};

Result<TcbStatus> parse_status(std::string_view text) {
  for (const auto& [status, name] : kStatuses) {
    const bool made_here = status == TcbStatus::relaunch_advised ||
                           status == TcbStatus::relaunch_advised_configuration_needed;
    if (name == text && !made_here) return status;
  }
  return fail(ErrorKind::unsupported, "a TCB status that is not known");
}

// Reads an object's fields by name; every error names the field.
class Object {
 public:
  static Result<Object> of(const json::value& value, std::string_view name) {
    if (!value.is_object()) return fail(ErrorKind::malformed, "{} is no object", name);
    return Object(value.get_object());
  }

  bool has(std::string_view name) const { return object_->contains(name); }

  Result<const json::value*> value(std::string_view name) const {
    const json::value* found = object_->if_contains(name);
    if (found == nullptr) return fail(ErrorKind::malformed, "{} is missing", name);
    return found;
  }
  Result<std::string_view> text(std::string_view name) const {
    const json::value* found = TRY(value(name));
    if (!found->is_string()) return fail(ErrorKind::malformed, "{} is no string", name);
    return std::string_view(found->get_string());
  }
  Result<uint32_t> number(std::string_view name, uint32_t most) const {
    const json::value* found = TRY(value(name));
    if (!found->is_int64() || found->get_int64() < 0 || found->get_int64() > most) {
      return fail(ErrorKind::malformed, "{} is no integer from 0 to {}", name, most);
    }
    return static_cast<uint32_t>(found->get_int64());
  }
  Result<int64_t> time(std::string_view name) const {
    Result<int64_t> parsed = parse_utc_time(TRY(text(name)));
    if (!parsed) return within(name, parsed.error());
    return parsed;
  }
  template <size_t kBytes>
  Result<std::array<uint8_t, kBytes>> hex(std::string_view name) const {
    Result<std::vector<uint8_t>> parsed = bytes_of_hex(TRY(text(name)));
    if (!parsed) return within(name, parsed.error());
    if (parsed->size() != kBytes) {
      return fail(ErrorKind::malformed, "{} has {} bytes; {} expected", name, parsed->size(),
                  kBytes);
    }
    std::array<uint8_t, kBytes> bytes;
    std::copy(parsed->begin(), parsed->end(), bytes.begin());
    return bytes;
  }
  Result<Object> object(std::string_view name) const { return of(*TRY(value(name)), name); }
  Result<const json::array*> array(std::string_view name, size_t most) const {
    const json::value* found = TRY(value(name));
    if (!found->is_array() || found->get_array().size() > most) {
      return fail(ErrorKind::malformed, "{} is no array of at most {}", name, most);
    }
    return &found->get_array();
  }

 private:
  explicit Object(const json::object& object) : object_(&object) {}
  const json::object* object_;
};

Result<TcbLevelStatus> read_verdict(const Object& level) {
  TcbLevelStatus verdict;
  verdict.status = TRY(parse_status(TRY(level.text("tcbStatus"))));
  verdict.date = TRY(level.time("tcbDate"));
  if (level.has("advisoryIDs")) {
    for (const json::value& id : *TRY(level.array("advisoryIDs", kAdvisoriesMax))) {
      if (!id.is_string()) return fail(ErrorKind::malformed, "an advisory that is no string");
      verdict.advisories.emplace_back(id.get_string());
    }
  }
  return verdict;
}

// Version 3: 16 objects with an "svn" each.
Result<std::array<uint8_t, 16>> read_components(const Object& tcb, std::string_view name) {
  std::array<uint8_t, 16> components;
  const json::array& array = *TRY(tcb.array(name, components.size()));
  if (array.size() != components.size()) {
    return fail(ErrorKind::malformed, "{} has {} components; {} expected", name, array.size(),
                components.size());
  }
  for (size_t i = 0; i < components.size(); ++i) {
    const Object component = TRY(Object::of(array[i], name));
    components[i] = static_cast<uint8_t>(TRY(component.number("svn", 255)));
  }
  return components;
}

Result<PlatformTcbLevel> read_level(const json::value& value, const TcbInfo& info) {
  const Object object = TRY(Object::of(value, "TCB level"));
  const Object tcb = TRY(object.object("tcb"));
  PlatformTcbLevel level;
  level.verdict = TRY(read_verdict(object));
  level.pce_svn = static_cast<uint16_t>(TRY(tcb.number("pcesvn", 65535)));
  if (info.version == 3) {
    level.sgx_components = TRY(read_components(tcb, "sgxtcbcomponents"));
    if (info.tee == TeeType::tdx) {
      level.tdx_components = TRY(read_components(tcb, "tdxtcbcomponents"));
    }
    return level;
  }
  for (size_t i = 0; i < level.sgx_components.size(); ++i) {
    level.sgx_components[i] =
        static_cast<uint8_t>(TRY(tcb.number(fmt::format("sgxtcbcomp{:02}svn", i + 1), 255)));
  }
  return level;
}

Result<std::vector<IsvTcbLevel>> read_isv_levels(const Object& object) {
  std::vector<IsvTcbLevel> levels;
  for (const json::value& value : *TRY(object.array("tcbLevels", kTcbLevelsMax))) {
    const Object level = TRY(Object::of(value, "TCB level"));
    const Object tcb = TRY(level.object("tcb"));
    levels.push_back(
        {static_cast<uint16_t>(TRY(tcb.number("isvsvn", 65535))), TRY(read_verdict(level))});
  }
  return levels;
}

Result<TdxModuleIdentity> read_module(const Object& object) {
  TdxModuleIdentity module;
  module.mr_signer = TRY(object.hex<48>("mrsigner"));
  module.attributes = TRY(object.hex<8>("attributes"));
  module.attributes_mask = TRY(object.hex<8>("attributesMask"));
  return module;
}

Result<void> read_modules(const Object& object, TcbInfo& info) {
  info.module_0 = TRY(read_module(TRY(object.object("tdxModule"))));
  if (!object.has("tdxModuleIdentities")) return {};  // before TDX 1.5
  for (const json::value& value : *TRY(object.array("tdxModuleIdentities", kModuleIdentitiesMax))) {
    const Object identity = TRY(Object::of(value, "TDX module identity"));
    TdxModuleIdentity module = TRY(read_module(identity));
    module.id = TRY(identity.text("id"));
    module.levels = TRY(read_isv_levels(identity));
    info.modules.push_back(std::move(module));
  }
  return {};
}

}  // namespace

std::string_view to_string(TcbStatus status) {
  for (const auto& [value, name] : kStatuses) {
    if (value == status) return name;
  }
  return "?";
}

Result<SignedSection> split_signed(std::string_view text, std::string_view member) {
  SignedSection section;
  section.bytes = TRY(raw_member(text, member));
  std::string_view quoted = TRY(raw_member(text, "signature"));
  if (quoted.size() < 2 || quoted.front() != '"') {
    return fail(ErrorKind::malformed, "signature is no string");
  }
  Result<std::vector<uint8_t>> signature = bytes_of_hex(quoted.substr(1, quoted.size() - 2));
  if (!signature) return within("signature", signature.error());
  if (signature->size() != section.signature.size()) {
    return fail(ErrorKind::malformed, "a signature of {} bytes", signature->size());
  }
  std::copy(signature->begin(), signature->end(), section.signature.begin());
  return section;
}

Result<TcbInfo> parse_tcb_info(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, kJsonBytesMax));
  const Object object = TRY(Object::of(value, "TCB info"));
  TcbInfo info;
  info.version = TRY(object.number("version", UINT16_MAX));
  if (info.version != 2 && info.version != 3) {
    return fail(ErrorKind::unsupported, "TCB info of version {}; 2 and 3 are known", info.version);
  }
  if (info.version == 3) {
    const std::string_view id = TRY(object.text("id"));
    if (id != "SGX" && id != "TDX") {
      return fail(ErrorKind::unsupported, "TCB info that is neither SGX's nor TDX's");
    }
    info.tee = id == "TDX" ? TeeType::tdx : TeeType::sgx;
  }
  info.issue_date = TRY(object.time("issueDate"));
  info.next_update = TRY(object.time("nextUpdate"));
  info.fmspc = TRY(object.hex<6>("fmspc"));
  info.pce_id = TRY(object.hex<2>("pceId"));
  if (const uint32_t type = TRY(object.number("tcbType", UINT16_MAX)); type != 0) {
    return fail(ErrorKind::unsupported, "TCB type {}; 0 is known", type);
  }
  info.evaluation_number = TRY(object.number("tcbEvaluationDataNumber", INT32_MAX));
  if (info.tee == TeeType::tdx) TRY(read_modules(object, info));
  for (const json::value& level : *TRY(object.array("tcbLevels", kTcbLevelsMax))) {
    Result<PlatformTcbLevel> read = read_level(level, info);
    if (!read) return within(fmt::format("TCB level {}", info.levels.size()), read.error());
    info.levels.push_back(std::move(*read));
  }
  return info;
}

Result<EnclaveIdentity> parse_enclave_identity(std::string_view text) {
  const json::value value = TRY(parse_strict_json(text, kJsonBytesMax));
  const Object object = TRY(Object::of(value, "enclave identity"));
  if (const uint32_t version = TRY(object.number("version", UINT16_MAX)); version != 2) {
    return fail(ErrorKind::unsupported, "an enclave identity of version {}; 2 is known", version);
  }
  EnclaveIdentity identity;
  identity.id = TRY(object.text("id"));
  identity.issue_date = TRY(object.time("issueDate"));
  identity.next_update = TRY(object.time("nextUpdate"));
  identity.evaluation_number = TRY(object.number("tcbEvaluationDataNumber", INT32_MAX));
  identity.misc_select = TRY(object.hex<4>("miscselect"));
  identity.misc_select_mask = TRY(object.hex<4>("miscselectMask"));
  identity.attributes = TRY(object.hex<16>("attributes"));
  identity.attributes_mask = TRY(object.hex<16>("attributesMask"));
  identity.mr_signer = TRY(object.hex<32>("mrsigner"));
  identity.isv_prod_id = static_cast<uint16_t>(TRY(object.number("isvprodid", 65535)));
  identity.levels = TRY(read_isv_levels(object));
  return identity;
}

}  // namespace sotto::attest::tdx
