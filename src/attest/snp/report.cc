// Parsing an attestation report, whose fields lie at fixed offsets.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/report.h"

#include <algorithm>
#include <cstring>

namespace sotto::attest::snp {
namespace {

constexpr uint32_t kEcdsaP384Sha384 = 1;
constexpr uint32_t kSigningKeyNone = 7;
constexpr uint64_t kSignatureNumberBytes = 72;  // of which the lower 48 are used
constexpr uint64_t kNumberBytes = 48;

// Reads at fixed offsets of a report whose size was checked.
class Fields {
 public:
  explicit Fields(Bytes bytes) : bytes_(bytes) {}

  template <class T>
  T number(uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes_.subspan(offset, sizeof(T)).data(), sizeof(T));
    return value;
  }
  template <size_t kCount>
  void copy(uint64_t offset, std::array<uint8_t, kCount>& out) const {
    std::ranges::copy(bytes_.subspan(offset, kCount), out.begin());
  }
  bool all_zero(uint64_t offset, uint64_t count) const {
    return std::ranges::all_of(bytes_.subspan(offset, count), [](uint8_t b) { return b == 0; });
  }

 private:
  Bytes bytes_;
};

FirmwareVersion read_firmware_version(const Fields& in, uint64_t offset) {
  return {.major = in.number<uint8_t>(offset + 2),
          .minor = in.number<uint8_t>(offset + 1),
          .build = in.number<uint8_t>(offset)};
}

Result<void> read_key_information(const Fields& in, ReportUnverified& report) {
  const auto flags = in.number<uint32_t>(0x48);
  report.author_key_enabled = (flags & 1) != 0;
  const bool chip_key_masked = (flags & 2) != 0;
  const uint32_t signing_key = flags >> 2 & 7;
  if (chip_key_masked || signing_key == kSigningKeyNone) {
    return fail(ErrorKind::untrusted, "the report is not signed: {}",
                chip_key_masked ? "the host masks the chip's key" : "it names no signing key");
  }
  if (signing_key > static_cast<uint32_t>(SigningKey::vlek)) {
    return fail(ErrorKind::unsupported,
                "signing key at offset 0x48 is {}, not 0 (VCEK) or 1 (VLEK)", signing_key);
  }
  report.signing_key = static_cast<SigningKey>(signing_key);
  return {};
}

// [SNP-ABI §10.2]: two little-endian numbers in 72 bytes each, zeros behind them. The zeros are
// outside of what is signed, so they are insisted on.
Result<void> read_signature(const Fields& in, ReportUnverified& report) {
  for (uint64_t part = 0; part < 2; ++part) {
    const uint64_t offset = kSignedBytes + part * kSignatureNumberBytes;
    if (!in.all_zero(offset + kNumberBytes, kSignatureNumberBytes - kNumberBytes)) {
      return fail(ErrorKind::malformed, "signature's {} at offset {:#x} is beyond 384 bits",
                  part == 0 ? 'r' : 's', offset);
    }
    std::array<uint8_t, kNumberBytes> number;
    in.copy(offset, number);
    std::ranges::reverse_copy(number, report.signature.begin() + part * kNumberBytes);
  }
  const uint64_t end = kSignedBytes + 2 * kSignatureNumberBytes;
  if (!in.all_zero(end, kReportBytes - end)) {
    return fail(ErrorKind::malformed, "bytes behind the signature at offset {:#x} are not zero",
                end);
  }
  return {};
}

void read_digests(const Fields& in, ReportUnverified& report) {
  in.copy(0x10, report.family_id);
  in.copy(0x20, report.image_id);
  in.copy(0x50, report.report_data);
  in.copy(0x90, report.measurement);
  in.copy(0xc0, report.host_data);
  in.copy(0xe0, report.id_key_digest);
  in.copy(0x110, report.author_key_digest);
  in.copy(0x140, report.report_id);
  in.copy(0x160, report.report_id_migration_agent);
  in.copy(0x1a0, report.chip_id);
  in.copy(0, report.signed_bytes);
}

void read_versions(const Fields& in, ReportUnverified& report) {
  in.copy(0x38, report.current_tcb);
  in.copy(0x180, report.reported_tcb);
  in.copy(0x1e0, report.committed_tcb);
  in.copy(0x1f0, report.launch_tcb);
  report.current_firmware = read_firmware_version(in, 0x1e8);
  report.committed_firmware = read_firmware_version(in, 0x1ec);
  if (report.version >= 3) {
    report.cpu = {.family = in.number<uint8_t>(0x188),
                  .model = in.number<uint8_t>(0x189),
                  .stepping = in.number<uint8_t>(0x18a)};
  }
  if (report.version >= 5) {
    report.launch_mitigations = in.number<uint64_t>(0x1f8);
    report.current_mitigations = in.number<uint64_t>(0x200);
  }
}

}  // namespace

std::string_view to_string(Product product) {
  switch (product) {
    case Product::milan:
      return "Milan";
    case Product::genoa:
      return "Genoa";
    case Product::turin:
      return "Turin";
  }
  return "?";
}

std::string_view to_string(SigningKey key) {
  return key == SigningKey::vcek ? "VCEK" : "VLEK";
}

TcbVersion decode_tcb(const TcbBytes& bytes, Product product) {
  if (product == Product::turin) {
    return {.fmc = bytes[0],
            .boot_loader = bytes[1],
            .tee = bytes[2],
            .snp = bytes[3],
            .microcode = bytes[7]};
  }
  return {.fmc = std::nullopt,
          .boot_loader = bytes[0],
          .tee = bytes[1],
          .snp = bytes[6],
          .microcode = bytes[7]};
}

std::string to_string(const TcbVersion& tcb) {
  const std::string fmc = tcb.fmc ? fmt::format("FMC {}, ", *tcb.fmc) : std::string();
  return fmt::format("{}boot loader {}, TEE {}, SNP {}, microcode {}", fmc, tcb.boot_loader,
                     tcb.tee, tcb.snp, tcb.microcode);
}

std::string to_string(const FirmwareVersion& version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.build);
}

bool not_above(const TcbBytes& a, const TcbBytes& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
  }
  return true;
}

Result<ReportUnverified> parse_report(Bytes bytes) {
  if (bytes.size() != kReportBytes) {
    return fail(ErrorKind::malformed, "SNP report has {} bytes, not {}", bytes.size(),
                kReportBytes);
  }
  const Fields in(bytes);
  ReportUnverified report;
  report.version = in.number<uint32_t>(0);
  if (report.version < kVersionMin || report.version > kVersionMax) {
    return fail(ErrorKind::unsupported, "SNP report version is {}, not {} to {}", report.version,
                kVersionMin, kVersionMax);
  }
  const auto algorithm = in.number<uint32_t>(0x34);
  if (algorithm != kEcdsaP384Sha384) {
    return fail(ErrorKind::unsupported,
                "signature algorithm at offset 0x34 is {}, not 1 (ECDSA P-384 with SHA-384)",
                algorithm);
  }
  report.guest_svn = in.number<uint32_t>(4);
  report.policy = in.number<uint64_t>(8);
  report.vmpl = in.number<uint32_t>(0x30);
  report.platform_info = in.number<uint64_t>(0x40);
  TRY(read_key_information(in, report));
  read_digests(in, report);
  read_versions(in, report);
  TRY(read_signature(in, report));
  return report;
}

Result<std::optional<Product>> product_of(const ReportUnverified& report) {
  if (!report.cpu) return std::nullopt;
  const auto [family, model, stepping] = *report.cpu;
  if (family == 0x19 && model <= 0x0f) return Product::milan;
  // Zen 4c (Bergamo, Siena: models from 0xa0) shares Genoa's roots.
  if (family == 0x19 && (model <= 0x1f || (model >= 0xa0 && model <= 0xaf))) return Product::genoa;
  if (family == 0x1a && model <= 0x1f) return Product::turin;
  return fail(ErrorKind::unsupported,
              "processor family {:#x}, model {:#x} is none of Milan, Genoa "
              "and Turin",
              family, model);
}

}  // namespace sotto::attest::snp
