// Fields about a TEE that several services write into their tokens, as claims.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "attest/claims.h"
#include "attest/verify_error.h"

namespace sotto::attest::token {

// Hexadecimal text as bytes: `malformed` when the member is missing or is no such text.
Verified<std::vector<uint8_t>> need_hex(const boost::json::object& object, std::string_view name);

// Copies what is there, as text, number or truth value, into the notes under `note`.
void note(const boost::json::object& object, std::string_view name, std::string_view note,
          Claims& claims);

// Truth value `name` as a flag; nothing when it is missing.
void flag(const boost::json::object& object, std::string_view name, std::string_view flag,
          Claims& claims);

// A trust domain by its members "tdx_mrtd", "tdx_rtmr0", …, all of which must be there.
Verified<void> read_tdx(const boost::json::object& object, Claims& claims);
// An enclave by "PREFIXmrenclave", "PREFIXmrsigner" and its product, version and debug bit.
Verified<void> read_sgx(const boost::json::object& object, std::string_view prefix, Claims& claims);
// A guest by Azure's "x-ms-sevsnpvm-…".
Verified<void> read_azure_snp(const boost::json::object& object, Claims& claims);

// "attester_tcb_status", "attester_tcb_date" and "attester_advisory_ids"; `tcb_revoked` for revoked
// platforms, `unsupported` for a status that is not known. Nothing happens without a status.
Verified<void> read_intel_tcb(const boost::json::object& object, RuleList& rules, Claims& claims);

// Intel's word for a status, "UpToDate", "OutOfDate", …, also in its older spelling "OUT_OF_DATE".
std::optional<TcbGrade> grade_of_status(std::string_view status);

}  // namespace sotto::attest::token
