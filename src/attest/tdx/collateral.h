// TCB info and enclave identities as Intel's provisioning service signs them [PCS §TCB Info],
// [PCS §Enclave Identity].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::tdx {

inline constexpr uint64_t kTcbLevelsMax = 256;
inline constexpr uint64_t kModuleIdentitiesMax = 64;
inline constexpr uint64_t kAdvisoriesMax = 256;

// Intel's words for a TCB level.
enum class TcbStatus : uint8_t {
  up_to_date,
  sw_hardening_needed,
  configuration_needed,
  configuration_and_sw_hardening_needed,
  relaunch_advised,  // TDX 1.5: only by verification, no level has it
  relaunch_advised_configuration_needed,
  out_of_date,
  out_of_date_configuration_needed,
  revoked,
};
// "UpToDate", "SWHardeningNeeded", …
std::string_view to_string(TcbStatus status);

// One level's verdict.
struct TcbLevelStatus {
  TcbStatus status = TcbStatus::revoked;
  int64_t date = 0;  // Unix seconds
  std::vector<std::string> advisories;
};

struct PlatformTcbLevel {
  std::array<uint8_t, 16> sgx_components{};
  uint16_t pce_svn = 0;
  std::array<uint8_t, 16> tdx_components{};  // zero for SGX
  TcbLevelStatus verdict;
};

struct IsvTcbLevel {
  uint16_t isv_svn = 0;
  TcbLevelStatus verdict;
};

struct TdxModuleIdentity {
  std::string id;  // "TDX_03"; empty for the module of version 0
  std::array<uint8_t, 48> mr_signer{};
  std::array<uint8_t, 8> attributes{};
  std::array<uint8_t, 8> attributes_mask{};
  std::vector<IsvTcbLevel> levels;
};

enum class TeeType : uint8_t { sgx, tdx };

struct TcbInfo {
  TeeType tee = TeeType::sgx;
  uint32_t version = 0;  // 2 or 3
  int64_t issue_date = 0;
  int64_t next_update = 0;
  std::array<uint8_t, 6> fmspc{};
  std::array<uint8_t, 2> pce_id{};
  uint32_t evaluation_number = 0;
  std::optional<TdxModuleIdentity> module_0;  // of TDX
  std::vector<TdxModuleIdentity> modules;     // of TDX, versions from 1 on
  std::vector<PlatformTcbLevel> levels;       // from the newest down
};

struct EnclaveIdentity {
  std::string id;  // "QE" or "TD_QE"
  int64_t issue_date = 0;
  int64_t next_update = 0;
  uint32_t evaluation_number = 0;
  std::array<uint8_t, 4> misc_select{};
  std::array<uint8_t, 4> misc_select_mask{};
  std::array<uint8_t, 16> attributes{};
  std::array<uint8_t, 16> attributes_mask{};
  std::array<uint8_t, 32> mr_signer{};
  uint16_t isv_prod_id = 0;
  std::vector<IsvTcbLevel> levels;
};

// A member's bytes as they came, and the signature over them: {"tcbInfo": {…}, "signature": "hex"}.
struct SignedSection {
  std::string_view bytes;  // borrowed
  std::array<uint8_t, 64> signature{};
};
Result<SignedSection> split_signed(std::string_view json, std::string_view member);

// Of a section whose signature was checked. Strict: every field that verification uses must be there;
// others are passed over, as Intel adds some from time to time.
Result<TcbInfo> parse_tcb_info(std::string_view json);
Result<EnclaveIdentity> parse_enclave_identity(std::string_view json);

}  // namespace sotto::attest::tdx
