// Which TCB level a platform, a TDX module and a quoting enclave are at, and what follows from all
// three [PCS §TCB Info], [QVL].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attest/claims.h"
#include "attest/tdx/collateral.h"
#include "attest/tdx/pck.h"
#include "attest/tdx/quote.h"
#include "attest/verify_error.h"

namespace sotto::attest::tdx {

// The newest level that the platform reaches: every SGX component and PCESVN of its PCK certificate,
// and for a trust domain every component of `tee_tcb_svn`, is at least the level's. The module's own
// components 0 and 1 do not count where the module has an identity of its own (component 1 not zero).
// `tcb_not_supported` when there is none. `tee_tcb_svn` is null for SGX.
Verified<PlatformTcbLevel> match_platform(const TcbInfo& info, const PckPlatform& platform,
                                          const Field<16>* tee_tcb_svn);

// The first level whose ISVSVN is not above; `tcb_not_supported` when there is none.
Verified<IsvTcbLevel> match_isv(const std::vector<IsvTcbLevel>& levels, uint16_t isv_svn,
                                std::string_view whose);

// Which identity the module of a trust domain must have by its version, tee_tcb_svn[1];
// `wrong_collateral` when the TCB info does not know that version.
Verified<const TdxModuleIdentity*> find_module(const TcbInfo& info, uint8_t version);

// The platform's status made worse by what the quoting enclave or the module is behind by, as Intel's
// own library does it.
TcbStatus converge(TcbStatus platform, TcbStatus other);

// What is out of date by the module at the domain's start, and not by the one that runs now: the
// domain only needs to be started again.
TcbStatus advise_relaunch(TcbStatus at_start, TcbStatus now);

TcbGrade grade_of(TcbStatus status);

// How many dates of levels are later than `date`: releases that the platform has missed.
uint32_t releases_behind(const TcbInfo& info, int64_t date);

// Sorted, each once.
std::vector<std::string> merge_advisories(const std::vector<const TcbLevelStatus*>& verdicts);

}  // namespace sotto::attest::tdx
