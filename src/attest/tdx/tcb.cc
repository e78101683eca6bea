// Matching TCB levels.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/tcb.h"

#include <algorithm>
#include <set>

#include "base/text_encoding.h"

namespace sotto::attest::tdx {
namespace {

bool reaches(const std::array<uint8_t, 16>& has, const std::array<uint8_t, 16>& wants,
             size_t first) {
  for (size_t i = first; i < has.size(); ++i) {
    if (has[i] < wants[i]) return false;
  }
  return true;
}

bool is_behind(TcbStatus status) {
  return status == TcbStatus::out_of_date || status == TcbStatus::out_of_date_configuration_needed;
}

bool needs_configuration(TcbStatus status) {
  return status == TcbStatus::configuration_needed ||
         status == TcbStatus::configuration_and_sw_hardening_needed ||
         status == TcbStatus::out_of_date_configuration_needed;
}

}  // namespace

Verified<PlatformTcbLevel> match_platform(const TcbInfo& info, const PckPlatform& platform,
                                          const Field<16>* tee_tcb_svn) {
  const size_t first = tee_tcb_svn != nullptr && (*tee_tcb_svn)[1] > 0 ? 2 : 0;
  for (const PlatformTcbLevel& level : info.levels) {
    if (reaches(platform.sgx_components, level.sgx_components, 0) &&
        platform.pce_svn >= level.pce_svn &&
        (tee_tcb_svn == nullptr || reaches(*tee_tcb_svn, level.tdx_components, first))) {
      return level;
    }
  }
  return refuse(Reason::tcb_not_supported,
                "no TCB level of FMSPC {} is reached by SGX components {}, PCESVN {}{}{}",
                hex_of(info.fmspc), hex_of(platform.sgx_components), platform.pce_svn,
                tee_tcb_svn == nullptr ? "" : ", TEE_TCB_SVN ",
                tee_tcb_svn == nullptr ? "" : hex_of(*tee_tcb_svn));
}

Verified<IsvTcbLevel> match_isv(const std::vector<IsvTcbLevel>& levels, uint16_t isv_svn,
                                std::string_view whose) {
  for (const IsvTcbLevel& level : levels) {
    if (level.isv_svn <= isv_svn) return level;
  }
  return refuse(Reason::tcb_not_supported, "no TCB level of the {} is reached by ISVSVN {}", whose,
                isv_svn);
}

Verified<const TdxModuleIdentity*> find_module(const TcbInfo& info, uint8_t version) {
  if (version == 0 && info.module_0) return &*info.module_0;
  const std::string id = fmt::format("TDX_{:02X}", version);
  for (const TdxModuleIdentity& module : info.modules) {
    if (module.id == id) return &module;
  }
  return refuse(Reason::wrong_collateral, "the TCB info has no identity of TDX module {}", id);
}

TcbStatus converge(TcbStatus platform, TcbStatus other) {
  if (platform == TcbStatus::revoked || other == TcbStatus::revoked) return TcbStatus::revoked;
  if (!is_behind(other) || is_behind(platform)) return platform;
  return needs_configuration(platform) ? TcbStatus::out_of_date_configuration_needed
                                       : TcbStatus::out_of_date;
}

TcbStatus advise_relaunch(TcbStatus at_start, TcbStatus now) {
  if (!is_behind(at_start) || is_behind(now) || now == TcbStatus::revoked) return at_start;
  return needs_configuration(now) ? TcbStatus::relaunch_advised_configuration_needed
                                  : TcbStatus::relaunch_advised;
}

TcbGrade grade_of(TcbStatus status) {
  switch (status) {
    case TcbStatus::up_to_date:
      return TcbGrade::up_to_date;
    case TcbStatus::sw_hardening_needed:
    case TcbStatus::configuration_needed:
    case TcbStatus::configuration_and_sw_hardening_needed:
      return TcbGrade::needs_configuration;
    case TcbStatus::relaunch_advised:
    case TcbStatus::relaunch_advised_configuration_needed:
    case TcbStatus::out_of_date:
    case TcbStatus::out_of_date_configuration_needed:
      return TcbGrade::out_of_date;
    case TcbStatus::revoked:
      return TcbGrade::revoked;
  }
  return TcbGrade::revoked;
}

uint32_t releases_behind(const TcbInfo& info, int64_t date) {
  std::set<int64_t> later;
  for (const PlatformTcbLevel& level : info.levels) {
    if (level.verdict.date > date) later.insert(level.verdict.date);
  }
  return static_cast<uint32_t>(later.size());
}

std::vector<std::string> merge_advisories(const std::vector<const TcbLevelStatus*>& verdicts) {
  std::set<std::string> all;
  for (const TcbLevelStatus* verdict : verdicts) {
    all.insert(verdict->advisories.begin(), verdict->advisories.end());
  }
  return {all.begin(), all.end()};
}

}  // namespace sotto::attest::tdx
