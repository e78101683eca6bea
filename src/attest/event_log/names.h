// What an event says it measured, in words, and whether its digest vouches for those words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "attest/event_log/tcg.h"

namespace sotto::attest::event_log {

// Event types [PFP §10.4.1].
inline constexpr uint32_t kEvPrebootCert = 0x00, kEvPostCode = 0x01, kEvNoAction = 0x03,
                          kEvSeparator = 0x04, kEvAction = 0x05, kEvEventTag = 0x06,
                          kEvSCrtmContents = 0x07, kEvSCrtmVersion = 0x08,
                          kEvPlatformConfigFlags = 0x0a, kEvTableOfDevices = 0x0b,
                          kEvCompactHash = 0x0c, kEvIpl = 0x0d, kEvNonhostInfo = 0x11,
                          kEvEfiVariableDriverConfig = 0x80000001, kEvEfiVariableBoot = 0x80000002,
                          kEvEfiBootServicesApplication = 0x80000003,
                          kEvEfiBootServicesDriver = 0x80000004,
                          kEvEfiRuntimeServicesDriver = 0x80000005, kEvEfiGptEvent = 0x80000006,
                          kEvEfiAction = 0x80000007, kEvEfiPlatformFirmwareBlob = 0x80000008,
                          kEvEfiHandoffTables = 0x80000009,
                          kEvEfiPlatformFirmwareBlob2 = 0x8000000a,
                          kEvEfiHandoffTables2 = 0x8000000b, kEvEfiVariableBoot2 = 0x8000000c,
                          kEvEfiHcrtmEvent = 0x80000010, kEvEfiVariableAuthority = 0x800000e0;

// "EV_SEPARATOR", or "type 0x…" for one that is not known.
std::string type_name(uint32_t type);

enum class Proof {
  digest,       // the digest is the hash of the words: they were measured
  none,         // the digest covers something else (an image, say); the words are only a remark
  contradicted  // the digest should be the hash of the event's data, and is not
};

struct Description {
  std::string text;  // at most 256 printable ASCII characters, others as \xNN
  Proof proof = Proof::none;
};

// Names UEFI variables, boot applications by their device path's files, GRUB's and shim's strings,
// systemd-boot's and systemd-stub's events (command line, the sections of a unified kernel image
// [UKI]) and tagged events. `algorithm` is one of the log's; without a digest of it, or where it
// cannot be computed, proof is none.
Description describe(const Event& event, uint16_t algorithm);

}  // namespace sotto::attest::event_log
