// One short reader per kind of event data; every one is bounded and none of them fails.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "attest/event_log/algorithms.h"

namespace sotto::attest::event_log {
namespace {

constexpr size_t kTextMax = 256;

struct Name {
  uint32_t number;
  std::string_view name;
};

constexpr std::array kTypes{
    Name{kEvPrebootCert, "EV_PREBOOT_CERT"},
    Name{kEvPostCode, "EV_POST_CODE"},
    Name{kEvNoAction, "EV_NO_ACTION"},
    Name{kEvSeparator, "EV_SEPARATOR"},
    Name{kEvAction, "EV_ACTION"},
    Name{kEvEventTag, "EV_EVENT_TAG"},
    Name{kEvSCrtmContents, "EV_S_CRTM_CONTENTS"},
    Name{kEvSCrtmVersion, "EV_S_CRTM_VERSION"},
    Name{kEvPlatformConfigFlags, "EV_PLATFORM_CONFIG_FLAGS"},
    Name{kEvTableOfDevices, "EV_TABLE_OF_DEVICES"},
    Name{kEvCompactHash, "EV_COMPACT_HASH"},
    Name{kEvIpl, "EV_IPL"},
    Name{kEvNonhostInfo, "EV_NONHOST_INFO"},
    Name{kEvEfiVariableDriverConfig, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    Name{kEvEfiVariableBoot, "EV_EFI_VARIABLE_BOOT"},
    Name{kEvEfiBootServicesApplication, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    Name{kEvEfiBootServicesDriver, "EV_EFI_BOOT_SERVICES_DRIVER"},
    Name{kEvEfiRuntimeServicesDriver, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    Name{kEvEfiGptEvent, "EV_EFI_GPT_EVENT"},
    Name{kEvEfiAction, "EV_EFI_ACTION"},
    Name{kEvEfiPlatformFirmwareBlob, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    Name{kEvEfiHandoffTables, "EV_EFI_HANDOFF_TABLES"},
    Name{kEvEfiPlatformFirmwareBlob2, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    Name{kEvEfiHandoffTables2, "EV_EFI_HANDOFF_TABLES2"},
    Name{kEvEfiVariableBoot2, "EV_EFI_VARIABLE_BOOT2"},
    Name{kEvEfiHcrtmEvent, "EV_EFI_HCRTM_EVENT"},
    Name{kEvEfiVariableAuthority, "EV_EFI_VARIABLE_AUTHORITY"},
};

// Tags of EV_EVENT_TAG: the kernel's EFI stub and systemd-boot's and -stub's [UKI].
constexpr std::array kTags{
    Name{0x8f3b22ed, "kernel command line (EFI stub)"},
    Name{0x8f3b22ec, "initrd (EFI stub)"},
    Name{0xf5bc582a, "systemd-boot loader.conf"},
    Name{0x6c46f751, "devicetree add-on"},
    Name{0x49dffe0f, "initrd add-on"},
    Name{0xdac08e1a, "microcode add-on"},
    Name{0x13aed6db, "UKI profile"},
};

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (out.size() + 4 > kTextMax) break;
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return out;
}

// UTF-16LE whose every unit is ASCII, without its final NULs; empty for anything else.
std::string from_utf16(Bytes bytes) {
  if (bytes.size() < 2 || bytes.size() % 2 != 0) return {};
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    if (bytes[i + 1] != 0 || bytes[i] > '~') return {};
    text += static_cast<char>(bytes[i]);
  }
  while (text.ends_with('\0')) text.pop_back();
  return text;
}

std::string guid_text(Bytes raw) {
  return fmt::format(
      "{:02x}{:02x}{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:"
      "02x}{:02x}",
      raw[3], raw[2], raw[1], raw[0], raw[5], raw[4], raw[7], raw[6], raw[8], raw[9], raw[10],
      raw[11], raw[12], raw[13], raw[14], raw[15]);
}

// UEFI_VARIABLE_DATA [PFP §10.2.6]
struct Variable {
  Bytes guid;
  std::string name;
  Bytes value;
};

Result<Variable> read_variable(Bytes data) {
  ByteReader in(data);
  Variable variable;
  variable.guid = TRY(in.take(16, "GUID"));
  const uint64_t name_units = TRY(in.read<uint64_t>("name length"));
  const uint64_t value_bytes = TRY(in.read<uint64_t>("value length"));
  if (name_units > data.size()) return fail(ErrorKind::malformed, "name length");
  variable.name = from_utf16(TRY(in.take(name_units * 2, "name")));
  variable.value = TRY(in.take(value_bytes, "value"));
  return variable;
}

std::string describe_variable(const Variable& variable) {
  std::string value = fmt::format("{} bytes", variable.value.size());
  if (variable.value.size() == 1) value = fmt::format("{:#04x}", variable.value[0]);
  return fmt::format("variable {} ({}) = {}", printable(variable.name), guid_text(variable.guid),
                     value);
}

// The files of UEFI_IMAGE_LOAD_EVENT's device path [PFP §10.2.3].
Result<std::string> read_image_path(Bytes data) {
  constexpr uint8_t kMedia = 4, kFilePath = 4, kFirmwareFile = 6;
  ByteReader in(data);
  TRY(in.take(24, "location, length and link address"));
  const uint64_t path_bytes = TRY(in.read<uint64_t>("device path length"));
  const Bytes path_raw = TRY(in.take(path_bytes, "device path"));
  ByteReader path(path_raw);
  std::string text;
  while (path.left() >= 4) {
    const uint8_t type = TRY(path.read<uint8_t>("node type"));
    const uint8_t subtype = TRY(path.read<uint8_t>("node subtype"));
    const uint16_t bytes = TRY(path.read<uint16_t>("node length"));
    if (bytes < 4) break;
    const Bytes node = TRY(path.take(bytes - 4u, "node"));
    if (type == kMedia && subtype == kFilePath) text += from_utf16(node);
    if (type == kMedia && subtype == kFirmwareFile && node.size() == 16) text += guid_text(node);
  }
  return printable(text);
}

bool hashes_to(const Digest* digest, Bytes text) {
  if (digest == nullptr) return false;
  const auto measured = hash(digest->algorithm, {text});
  return measured && std::ranges::equal(*measured, digest->bytes);
}

Proof proof_if(bool measured) {
  return measured ? Proof::digest : Proof::none;
}

// Without final NULs, and after what only the log says: "grub_cmd: set x=y" measures "set x=y".
Proof proof_of_string(const Digest* digest, Bytes data) {
  if (hashes_to(digest, data)) return Proof::digest;
  Bytes trimmed = data;
  while (!trimmed.empty() && trimmed.back() == 0) trimmed = trimmed.first(trimmed.size() - 1);
  if (hashes_to(digest, trimmed)) return Proof::digest;
  const size_t prefix = as_text(data).find(": ");
  if (prefix == std::string_view::npos) return Proof::none;
  return proof_if(hashes_to(digest, data.subspan(prefix + 2)) ||
                  (trimmed.size() > prefix + 2 && hashes_to(digest, trimmed.subspan(prefix + 2))));
}

Description describe_ipl(const Digest* digest, Bytes data) {
  const std::string wide = from_utf16(data);
  if (wide.empty()) {
    std::string_view text = as_text(data);
    while (text.ends_with('\0')) text.remove_suffix(1);
    return {printable(text), proof_of_string(digest, data)};
  }
  if (wide.starts_with('.')) {
    const std::string name = wide + '\0';
    const bool is_name = hashes_to(digest, as_bytes(name));
    return {fmt::format("UKI section {}: {}", printable(wide), is_name ? "name" : "contents"),
            proof_if(is_name)};
  }
  return {printable(wide), proof_of_string(digest, data)};
}

Description describe_tag(const Digest* digest, Bytes data) {
  ByteReader in(data);
  const auto tag = in.read<uint32_t>("tag");
  const auto bytes = in.read<uint32_t>("size");
  if (!tag || !bytes || *bytes != in.left()) {
    return {fmt::format("{} bytes", data.size()), Proof::none};
  }
  const Bytes value = data.subspan(8);
  const std::string wide = from_utf16(value);
  std::string_view text = wide.empty() ? as_text(value) : std::string_view(wide);
  while (text.ends_with('\0')) text.remove_suffix(1);
  const auto known = std::ranges::find(kTags, *tag, &Name::number);
  const std::string name =
      known == kTags.end() ? fmt::format("tag {:#010x}", *tag) : std::string(known->name);
  return {fmt::format("{}: {}", name, printable(text)),
          proof_if(hashes_to(digest, data) || proof_of_string(digest, value) == Proof::digest)};
}

Description describe_image(const Event& event) {
  const auto path = read_image_path(event.data);
  if (!path || path->empty()) return {"image", Proof::none};
  return {fmt::format("image {}", *path), Proof::none};
}

Description describe_variable_event(const Event& event, const Digest* digest) {
  const auto variable = read_variable(event.data);
  const bool whole = hashes_to(digest, event.data);
  if (!variable) return {"variable", proof_if(whole)};
  // Some firmware measures only the value of a boot variable.
  const bool measured =
      whole || (event.type == kEvEfiVariableBoot && hashes_to(digest, variable->value));
  const bool must = event.type != kEvEfiVariableBoot && digest != nullptr &&
                    hash_bytes(digest->algorithm).has_value();
  return {describe_variable(*variable), measured ? Proof::digest
                                        : must   ? Proof::contradicted
                                                 : Proof::none};
}

// A separator measures its four bytes, but for its error form, which measures the error alone.
Description describe_separator(const Event& event, const Digest* digest) {
  const bool is_error = !std::ranges::all_of(event.data, [](uint8_t byte) { return byte == 0; });
  const bool known = digest != nullptr && hash_bytes(digest->algorithm).has_value();
  return {is_error ? "separator with an error" : "separator",
          hashes_to(digest, event.data) ? Proof::digest
          : known && !is_error          ? Proof::contradicted
                                        : Proof::none};
}

}  // namespace

std::string type_name(uint32_t type) {
  const auto known = std::ranges::find(kTypes, type, &Name::number);
  return known == kTypes.end() ? fmt::format("type {:#010x}", type) : std::string(known->name);
}

Description describe(const Event& event, uint16_t algorithm) {
  const Digest* digest = event.find(algorithm);
  switch (event.type) {
    case kEvNoAction:
      return {printable(as_text(event.data.first(std::min<size_t>(event.data.size(), 16)))),
              Proof::none};
    case kEvSeparator:
      return describe_separator(event, digest);
    case kEvIpl:
    case kEvAction:
    case kEvEfiAction:
    case kEvSCrtmVersion:
    case kEvPostCode:
    case kEvCompactHash:
    case kEvNonhostInfo:
    case kEvPlatformConfigFlags:
      return describe_ipl(digest, event.data);
    case kEvEventTag:
      return describe_tag(digest, event.data);
    case kEvEfiVariableDriverConfig:
    case kEvEfiVariableBoot:
    case kEvEfiVariableBoot2:
    case kEvEfiVariableAuthority:
      return describe_variable_event(event, digest);
    case kEvEfiBootServicesApplication:
    case kEvEfiBootServicesDriver:
    case kEvEfiRuntimeServicesDriver:
      return describe_image(event);
    default:
      return {fmt::format("{} bytes", event.data.size()), proof_if(hashes_to(digest, event.data))};
  }
}

}  // namespace sotto::attest::event_log
