// Parsing quotes of versions 3, 4 and 5.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/quote.h"

#include <algorithm>

namespace sotto::attest::tdx {
namespace {

constexpr uint16_t kKeyTypeEcdsaP256 = 2;
constexpr uint32_t kTeeTypeSgx = 0;
constexpr uint32_t kTeeTypeTdx = 0x81;
constexpr uint16_t kCertificationPckChain = 5;
constexpr uint16_t kCertificationQeReport = 6;

enum class Body : uint16_t { enclave = 1, td_1_0 = 2, td_1_5 = 3 };  // numbers of version 5

template <size_t kBytes>
Result<void> read(ByteReader& reader, Field<kBytes>& field, std::string_view name) {
  const Bytes bytes = TRY(reader.take(kBytes, name));
  std::copy(bytes.begin(), bytes.end(), field.begin());
  return {};
}

Result<TdReport> parse_td_report(Bytes bytes, bool is_1_5) {
  ByteReader reader(bytes);
  TdReport report;
  TRY(read(reader, report.tee_tcb_svn, "TEE_TCB_SVN"));
  TRY(read(reader, report.mr_seam, "MRSEAM"));
  TRY(read(reader, report.mr_signer_seam, "MRSIGNERSEAM"));
  TRY(read(reader, report.seam_attributes, "SEAMATTRIBUTES"));
  TRY(read(reader, report.td_attributes, "TDATTRIBUTES"));
  TRY(read(reader, report.xfam, "XFAM"));
  TRY(read(reader, report.mr_td, "MRTD"));
  TRY(read(reader, report.mr_config_id, "MRCONFIGID"));
  TRY(read(reader, report.mr_owner, "MROWNER"));
  TRY(read(reader, report.mr_owner_config, "MROWNERCONFIG"));
  for (Field<48>& rtmr : report.rtmr) TRY(read(reader, rtmr, "RTMR"));
  TRY(read(reader, report.report_data, "REPORTDATA"));
  if (is_1_5) {
    TRY(read(reader, report.tee_tcb_svn2.emplace(), "TEE_TCB_SVN2"));
    TRY(read(reader, report.mr_service_td, "MRSERVICETD"));
  }
  return report;
}

uint64_t body_bytes(Body body) {
  switch (body) {
    case Body::enclave:
      return kEnclaveReportBytes;
    case Body::td_1_0:
      return kTdReport10Bytes;
    case Body::td_1_5:
      return kTdReport15Bytes;
  }
  return 0;
}

// Which report follows the header. In version 5 a descriptor says it, and must fit the TEE's type.
Result<Body> read_body_kind(ByteReader& reader, uint16_t version, uint32_t tee_type) {
  if (tee_type != kTeeTypeSgx && tee_type != kTeeTypeTdx) {
    return fail(ErrorKind::unsupported, "TEE type {:#x}; SGX is 0, TDX is 0x81", tee_type);
  }
  if (version < 5) return tee_type == kTeeTypeSgx ? Body::enclave : Body::td_1_0;
  const auto number = TRY(reader.read<uint16_t>("report type"));
  const auto size = TRY(reader.read<uint32_t>("report size"));
  if (number < 1 || number > 3) {
    return fail(ErrorKind::unsupported, "report type {}; 1 to 3 are known", number);
  }
  const Body body{number};
  if ((body == Body::enclave) != (tee_type == kTeeTypeSgx)) {
    return fail(ErrorKind::malformed, "report type {} with TEE type {:#x}", number, tee_type);
  }
  if (size != body_bytes(body)) {
    return fail(ErrorKind::malformed, "a report of type {} and {} bytes; it has {}", number, size,
                body_bytes(body));
  }
  return body;
}

// The quoting enclave's part: its report, signed by the PCK, and where the PCK certificate is.
Result<void> read_qe_part(ByteReader& reader, QuoteUnverified& quote) {
  TRY(read(reader, quote.qe_report_bytes, "QE report"));
  quote.qe_report = TRY(parse_enclave_report(quote.qe_report_bytes));
  TRY(read(reader, quote.qe_report_signature, "QE report signature"));
  const auto size = TRY(reader.read<uint16_t>("QE authentication data size"));
  const Bytes data = TRY(reader.take(size, "QE authentication data"));
  quote.qe_authentication_data.assign(data.begin(), data.end());
  const auto type = TRY(reader.read<uint16_t>("certification data type"));
  const auto certification_bytes = TRY(reader.read<uint32_t>("certification data size"));
  const Bytes certification = TRY(reader.take(certification_bytes, "certification data"));
  if (reader.left() != 0) {
    return fail(ErrorKind::malformed, "{} bytes after the certification data", reader.left());
  }
  if (type == kCertificationPckChain) {
    quote.certification = CertificationData::pck_chain;
  } else if (type >= 1 && type <= 3) {
    quote.certification = CertificationData::encrypted_ppid;
  } else {
    return fail(ErrorKind::unsupported, "certification data of type {}; 1, 2, 3 and 5 are known",
                type);
  }
  quote.certification_data.assign(certification.begin(), certification.end());
  return {};
}

Result<void> read_signature_part(Bytes bytes, QuoteUnverified& quote) {
  ByteReader reader(bytes);
  TRY(read(reader, quote.signature, "quote signature"));
  TRY(read(reader, quote.attestation_key, "attestation key"));
  if (quote.version == 3) return read_qe_part(reader, quote);
  const auto type = TRY(reader.read<uint16_t>("outer certification data type"));
  const auto size = TRY(reader.read<uint32_t>("outer certification data size"));
  if (type != kCertificationQeReport) {
    return fail(ErrorKind::unsupported, "outer certification data of type {}; 6 is known", type);
  }
  if (size != reader.left()) {
    return fail(ErrorKind::malformed, "outer certification data of {} bytes, {} left", size,
                reader.left());
  }
  return read_qe_part(reader, quote);
}

}  // namespace

Result<EnclaveReport> parse_enclave_report(Bytes bytes) {
  if (bytes.size() != kEnclaveReportBytes) {
    return fail(ErrorKind::malformed, "an enclave report of {} bytes", bytes.size());
  }
  ByteReader reader(bytes);
  EnclaveReport report;
  TRY(read(reader, report.cpu_svn, "CPUSVN"));
  TRY(read(reader, report.misc_select, "MISCSELECT"));
  TRY(reader.take(12, "reserved"));
  TRY(read(reader, report.isv_ext_prod_id, "ISVEXTPRODID"));
  TRY(read(reader, report.attributes, "ATTRIBUTES"));
  TRY(read(reader, report.mr_enclave, "MRENCLAVE"));
  TRY(reader.take(32, "reserved"));
  TRY(read(reader, report.mr_signer, "MRSIGNER"));
  TRY(reader.take(32, "reserved"));
  TRY(read(reader, report.config_id, "CONFIGID"));
  report.isv_prod_id = TRY(reader.read<uint16_t>("ISVPRODID"));
  report.isv_svn = TRY(reader.read<uint16_t>("ISVSVN"));
  report.config_svn = TRY(reader.read<uint16_t>("CONFIGSVN"));
  TRY(reader.take(42, "reserved"));
  TRY(read(reader, report.isv_family_id, "ISVFAMILYID"));
  TRY(read(reader, report.report_data, "REPORTDATA"));
  return report;
}

Result<QuoteUnverified> parse_quote(Bytes bytes) {
  if (bytes.size() > kQuoteBytesMax) {
    return fail(ErrorKind::exhausted, "a quote of {} bytes; at most {}", bytes.size(),
                kQuoteBytesMax);
  }
  ByteReader reader(bytes);
  QuoteUnverified quote;
  quote.version = TRY(reader.read<uint16_t>("version"));
  if (quote.version < 3 || quote.version > 5) {
    return fail(ErrorKind::unsupported, "a quote of version {}; 3, 4 and 5 are known",
                quote.version);
  }
  const auto key_type = TRY(reader.read<uint16_t>("attestation key type"));
  if (key_type != kKeyTypeEcdsaP256) {
    return fail(ErrorKind::unsupported, "attestation key type {}; 2 (ECDSA P-256) is known",
                key_type);
  }
  const auto tee_type = TRY(reader.read<uint32_t>("TEE type"));
  if (quote.version == 3 && tee_type != kTeeTypeSgx) {
    return fail(ErrorKind::malformed, "TEE type {:#x} in a quote of version 3", tee_type);
  }
  TRY(reader.take(4, "QE and PCE SVN"));
  TRY(read(reader, quote.qe_vendor_id, "QE vendor id"));
  TRY(read(reader, quote.user_data, "user data"));
  const Body body = TRY(read_body_kind(reader, quote.version, tee_type));
  const Bytes report = TRY(reader.take(body_bytes(body), "report"));
  if (body == Body::enclave) {
    quote.report = TRY(parse_enclave_report(report));
  } else {
    quote.report = TRY(parse_td_report(report, body == Body::td_1_5));
  }
  const Bytes signed_bytes = bytes.first(reader.offset());
  quote.signed_bytes.assign(signed_bytes.begin(), signed_bytes.end());
  const auto signature_bytes = TRY(reader.read<uint32_t>("signature data size"));
  TRY(read_signature_part(TRY(reader.take(signature_bytes, "signature data")), quote));
  quote.bytes = reader.offset();
  const Bytes rest = bytes.subspan(quote.bytes);
  if (std::any_of(rest.begin(), rest.end(), [](uint8_t byte) { return byte != 0; })) {
    return fail(ErrorKind::malformed, "{} bytes after the quote, not all of them zero",
                rest.size());
  }
  return quote;
}

}  // namespace sotto::attest::tdx
