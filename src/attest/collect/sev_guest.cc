// The two messages of /dev/sev-guest that make a report, and the certificate table beside it.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/sev_guest.h"

#include <linux/sev-guest.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace sotto::attest::collect {
namespace {

constexpr uint32_t kReportBytes = 1184;
constexpr uint32_t kResponseHeaderBytes = 32;  // u32 status, u32 size, reserved
constexpr uint32_t kCertificateBytesMax = 256 << 10;
constexpr uint32_t kCertificateBytesFirst = 16 << 10;
constexpr uint32_t kPageBytes = 4096;
constexpr uint64_t kBufferTooSmall = 1;  // the host's error, in the upper half
constexpr int kTries = 3;

Result<std::vector<uint8_t>> read_response(const snp_report_resp& response) {
  uint32_t status = 0;
  uint32_t bytes = 0;
  std::memcpy(&status, response.data, sizeof(status));
  std::memcpy(&bytes, response.data + sizeof(status), sizeof(bytes));
  if (status != 0) {
    return fail(ErrorKind::unavailable, "the security processor answers with status {:#x}", status);
  }
  if (bytes != kReportBytes) {
    return fail(ErrorKind::malformed, "/dev/sev-guest gives a report of {} bytes, not {}", bytes,
                kReportBytes);
  }
  const uint8_t* report = response.data + kResponseHeaderBytes;
  return std::vector<uint8_t>(report, report + kReportBytes);
}

// The GUIDs of [GHCB §4.1.8] in the order of their text.
using Guid = std::array<uint8_t, 16>;
constexpr Guid kVcek = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                        0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
constexpr Guid kVlek = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
                        0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1};
constexpr Guid kAsk = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
                       0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
constexpr Guid kArk = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
                       0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};
constexpr Guid kCrl = {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d,
                       0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea};

std::vector<uint8_t>* find_slot(CertificateTable& table, const Guid& guid) {
  if (guid == kVcek) return &table.vcek;
  if (guid == kVlek) return &table.vlek;
  if (guid == kAsk) return &table.ask;
  if (guid == kArk) return &table.ark;
  if (guid == kCrl) return &table.crl;
  return nullptr;
}

}  // namespace

Result<SevGuestReport> request_sev_guest_report(Device& device,
                                                const std::array<uint8_t, 64>& report_data,
                                                uint32_t vmpl) {
  std::vector<uint8_t> certificates(kCertificateBytesFirst);
  for (int tries = 0; tries < kTries; ++tries) {
    snp_ext_report_req request{};
    std::ranges::copy(report_data, request.data.user_data);
    request.data.vmpl = vmpl;
    request.certs_address = std::bit_cast<uint64_t>(certificates.data());
    request.certs_len = static_cast<uint32_t>(certificates.size());
    snp_report_resp response{};
    snp_guest_request_ioctl message{};
    message.msg_version = 1;
    message.req_data = std::bit_cast<uint64_t>(&request);
    message.resp_data = std::bit_cast<uint64_t>(&response);
    const int error = device.control(SNP_GET_EXT_REPORT, &message);
    if (error == 0) {
      SevGuestReport report{TRY(read_response(response)), std::move(certificates)};
      const auto used = [](uint8_t byte) { return byte != 0; };
      if (std::ranges::none_of(report.certificate_table, used)) report.certificate_table.clear();
      return report;
    }
    const bool too_small = message.exitinfo2 >> SNP_GUEST_VMM_ERR_SHIFT == kBufferTooSmall;
    if (!too_small || request.certs_len <= certificates.size() ||
        request.certs_len > kCertificateBytesMax) {
      return fail(ErrorKind::unavailable, "/dev/sev-guest refuses a report: {} ({:#x})",
                  std::strerror(error), message.exitinfo2);
    }
    certificates.assign((request.certs_len + kPageBytes - 1) / kPageBytes * kPageBytes, 0);
  }
  return fail(ErrorKind::unavailable, "/dev/sev-guest keeps asking for more room");
}

Result<CertificateTable> parse_certificate_table(Bytes table) {
  CertificateTable found;
  ByteReader in(table);
  while (in.left() != 0) {
    Guid guid;
    std::ranges::copy(TRY(in.take(guid.size(), "GUID")), guid.begin());
    const uint32_t offset = TRY(in.read<uint32_t>("offset"));
    const uint32_t bytes = TRY(in.read<uint32_t>("length"));
    if (guid == Guid{}) break;
    if (offset > table.size() || bytes > table.size() - offset) {
      return fail(ErrorKind::malformed,
                  "certificate table: {} bytes at offset {} end beyond the table's {}", bytes,
                  offset, table.size());
    }
    std::vector<uint8_t>* slot = find_slot(found, guid);
    if (slot == nullptr) continue;
    if (!slot->empty()) {
      return fail(ErrorKind::malformed, "certificate table: the entry before offset {} comes twice",
                  in.offset());
    }
    const Bytes content = table.subspan(offset, bytes);
    slot->assign(content.begin(), content.end());
  }
  return found;
}

}  // namespace sotto::attest::collect
