// From a played kernel, host and processor to verified claims: what is collected is what the verifiers
// take.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/cpu_evidence.h"

#include <gtest/gtest.h>
#include <linux/sev-guest.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <map>

#include "attest/snp/signer_for_testing.h"
#include "attest/snp/verify.h"

namespace sotto::attest::collect {
namespace {

using Raw = std::vector<uint8_t>;
constexpr uint64_t kEntryBytes = 24;

const snp::SignerForTesting& amd() {
  static const snp::SignerForTesting signer(snp::Product::genoa);
  return signer;
}

void append_entry(ByteWriter& out, std::initializer_list<uint8_t> guid, uint32_t offset,
                  uint64_t bytes) {
  const Raw raw(guid);
  out.append(raw);
  out.write(offset);
  out.write(static_cast<uint32_t>(bytes));
}

// What a host that has the key's certificate hands out.
Raw host_table() {
  const auto certificate = amd().issue(amd().endorsement());
  ByteWriter out;
  append_entry(out,
               {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8,
                0xac, 0xcd},
               2 * kEntryBytes, certificate.der().size());
  append_entry(out, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 0);
  out.append(certificate.der());
  return out.release();
}

Raw signed_report(Bytes report_data) {
  Raw report = amd().report();
  std::ranges::copy(report_data, report.begin() + 0x50);
  amd().sign(report);
  return report;
}

// A guest's system of which each part may be missing.
struct System {
  std::string provider = "sev_guest";
  bool has_tsm = true;
  bool has_device = false;
  bool other_data = false;  // a report that is not about what was asked
};

class FakeTsm final : public TsmFolder {
 public:
  explicit FakeTsm(const System& system) : system_(system) {}
  Result<void> make_entry(const std::string&) override {
    if (!system_.has_tsm) return fail(ErrorKind::unavailable, "no configfs-tsm");
    return {};
  }
  void remove_entry(const std::string&) override {}
  Result<Raw> read(const std::string&, const std::string& attribute, uint64_t) override {
    const auto text = [](const std::string& line) { return Raw(line.begin(), line.end()); };
    if (attribute == "generation") return text(std::to_string(writes_) + "\n");
    if (attribute == "provider") return text(system_.provider + "\n");
    if (attribute == "auxblob") return host_table();
    if (attribute == "outblob") return signed_report(system_.other_data ? Raw(64) : data_);
    return fail(ErrorKind::unavailable, "no {}", attribute);
  }
  Result<void> write(const std::string&, const std::string& attribute, Bytes value) override {
    if (attribute == "inblob") data_.assign(value.begin(), value.end());
    ++writes_;
    return {};
  }

 private:
  const System& system_;
  Raw data_;
  int writes_ = 0;
};

class FakeSevGuest final : public Device {
 public:
  int control(unsigned long, void* argument) override {
    auto& message = *static_cast<snp_guest_request_ioctl*>(argument);
    auto& request = *std::bit_cast<snp_ext_report_req*>(message.req_data);
    auto& response = *std::bit_cast<snp_report_resp*>(message.resp_data);
    const Raw table = host_table();
    std::memcpy(std::bit_cast<void*>(request.certs_address), table.data(), table.size());
    const Raw report = signed_report(request.data.user_data);
    const uint32_t bytes = 1184;
    std::memcpy(response.data + 4, &bytes, sizeof(bytes));
    std::memcpy(response.data + 32, report.data(), report.size());
    return 0;
  }
};

class FakeAccess final : public Access {
 public:
  explicit FakeAccess(System system) : system_(std::move(system)) {}
  std::unique_ptr<TsmFolder> tsm(const std::filesystem::path&) override {
    return std::make_unique<FakeTsm>(system_);
  }
  Result<std::unique_ptr<Device>> device(const std::filesystem::path& path) override {
    if (!system_.has_device) return fail(ErrorKind::unavailable, "no {}", path.string());
    return std::make_unique<FakeSevGuest>();
  }

 private:
  System system_;
};

Result<CpuEvidence> collect(Platform platform, System system) {
  FakeAccess access(std::move(system));
  CpuRequest request;
  request.report_data.fill(0x42);
  return collect_cpu_evidence(platform, Places(), access, request);
}

void expect_verified(const Result<CpuEvidence>& collected) {
  ASSERT_TRUE(collected.has_value()) << collected.error().message;
  EXPECT_EQ(collected->kind, EvidenceKind::snp_report);
  const auto claims = snp::verify_snp_report(collected->evidence, collected->collateral,
                                             amd().roots(), snp::SignerForTesting::kTime);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->report_data, Raw(64, 0x42));
}

TEST(CpuEvidence, of_snp_comes_from_configfs_tsm_with_its_certificate) {
  expect_verified(collect(Platform::sev_snp, {}));
}

TEST(CpuEvidence, of_snp_comes_from_the_guest_device_where_there_is_no_configfs_tsm) {
  expect_verified(collect(Platform::sev_snp, {.has_tsm = false, .has_device = true}));
  const auto nothing = collect(Platform::sev_snp, {.has_tsm = false});
  ASSERT_FALSE(nothing.has_value());
  EXPECT_EQ(nothing.error().kind, ErrorKind::unavailable);
  EXPECT_NE(nothing.error().message.find("/dev/sev-guest"), std::string::npos);
}

TEST(CpuEvidence, that_is_about_something_else_is_an_error) {
  EXPECT_EQ(collect(Platform::sev_snp, {.other_data = true}).error().kind, ErrorKind::unavailable);
}

TEST(CpuEvidence, of_tdx_needs_configfs_tsm_of_its_own_kind) {
  const auto quote = collect(Platform::tdx, {.provider = "tdx_guest"});
  ASSERT_TRUE(quote.has_value()) << quote.error().message;
  EXPECT_EQ(quote->kind, EvidenceKind::tdx_quote);
  EXPECT_EQ(collect(Platform::tdx, {}).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(collect(Platform::tdx, {.has_tsm = false}).error().kind, ErrorKind::unavailable);
}

TEST(CpuEvidence, of_a_tpm_is_made_elsewhere) {
  EXPECT_EQ(collect(Platform::tpm, {}).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(collect(Platform::azure_paravisor, {}).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(collect(Platform::nitro_enclave, {}).error().kind, ErrorKind::unavailable);
}

TEST(CpuEvidence, is_unavailable_on_a_machine_without_any) {
  const auto access = system_access();
  Places places;
  places.tsm_report = "/nonexistent/tsm";
  places.sev_guest = "/nonexistent/sev-guest";
  EXPECT_FALSE(collect_cpu_evidence(Platform::sev_snp, places, *access, {}));
}

}  // namespace
}  // namespace sotto::attest::collect
