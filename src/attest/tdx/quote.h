// An Intel quote, of a trust domain (TDX) or an enclave (SGX), as its bytes say it and before anything
// about it is checked [SGX-QUOTE], [TDX-QUOTE].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::tdx {

inline constexpr uint64_t kQuoteBytesMax = 256 << 10;
inline constexpr uint64_t kHeaderBytes = 48;
inline constexpr uint64_t kEnclaveReportBytes = 384;
inline constexpr uint64_t kTdReport10Bytes = 584;
inline constexpr uint64_t kTdReport15Bytes = 648;

template <size_t kBytes>
using Field = std::array<uint8_t, kBytes>;

// The report of an SGX enclave; also the quoting enclave's own.
struct EnclaveReport {
  Field<16> cpu_svn{};
  Field<4> misc_select{};
  Field<16> isv_ext_prod_id{};
  Field<16> attributes{};
  Field<32> mr_enclave{};
  Field<32> mr_signer{};
  Field<64> config_id{};
  uint16_t isv_prod_id = 0;
  uint16_t isv_svn = 0;
  uint16_t config_svn = 0;
  Field<16> isv_family_id{};
  Field<64> report_data{};
};
inline constexpr uint8_t kEnclaveDebug = 0x02;  // of attributes[0]

// The report of a trust domain.
struct TdReport {
  Field<16> tee_tcb_svn{};
  Field<48> mr_seam{};
  Field<48> mr_signer_seam{};
  Field<8> seam_attributes{};
  Field<8> td_attributes{};
  Field<8> xfam{};
  Field<48> mr_td{};
  Field<48> mr_config_id{};
  Field<48> mr_owner{};
  Field<48> mr_owner_config{};
  std::array<Field<48>, 4> rtmr{};
  Field<64> report_data{};
  // From TDX 1.5 on: the module that runs now, which may be newer than at the domain's start.
  std::optional<Field<16>> tee_tcb_svn2;
  Field<48> mr_service_td{};
};

// How the PCK certificate is found.
enum class CertificationData : uint8_t {
  encrypted_ppid,  // types 1 to 3: not in the quote
  pck_chain,       // type 5: PEM, the leaf first
};

struct QuoteUnverified {
  uint16_t version = 0;  // 3, 4 or 5
  Field<16> qe_vendor_id{};
  Field<20> user_data{};
  std::variant<EnclaveReport, TdReport> report;

  std::vector<uint8_t> signed_bytes;  // header and report, with its descriptor in version 5
  Field<64> signature{};              // r and s
  Field<64> attestation_key{};        // x and y
  EnclaveReport qe_report;
  Field<kEnclaveReportBytes> qe_report_bytes{};
  Field<64> qe_report_signature{};
  std::vector<uint8_t> qe_authentication_data;
  CertificationData certification = CertificationData::pck_chain;
  std::vector<uint8_t> certification_data;

  uint64_t bytes = 0;  // what the quote takes of what was given; only zeros follow
};

// `malformed` when sizes do not add up or anything but zeros follows, `unsupported` for other
// versions, keys and certification data.
Result<QuoteUnverified> parse_quote(Bytes bytes);
Result<EnclaveReport> parse_enclave_report(Bytes bytes);  // exactly kEnclaveReportBytes

}  // namespace sotto::attest::tdx
