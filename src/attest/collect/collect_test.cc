// Collectors against a kernel, a security processor and a Nitro Security Module played by the test.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <linux/sev-guest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "attest/cbor/cbor.h"
#include "attest/cbor/writer.h"
#include "attest/collect/detect.h"
#include "attest/collect/nsm.h"
#include "attest/collect/rtmr.h"
#include "attest/collect/sev_guest.h"
#include "attest/collect/tdx_guest.h"
#include "attest/collect/tsm_report.h"

namespace sotto::attest::collect {
namespace {

using Raw = std::vector<uint8_t>;

struct TempFolder {
  TempFolder() { std::filesystem::create_directories(path); }
  ~TempFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("sotto_collect_" + std::to_string(getpid()));
};

Raw raw(std::string_view text) {
  return {text.begin(), text.end()};
}

// The kernel's side of configfs-tsm: a report quotes what was written last, each write counts.
class FakeTsm final : public TsmFolder {
 public:
  Result<void> make_entry(const std::string& entry) override {
    if (!entries.insert({entry, Entry{}}).second) return fail(ErrorKind::unavailable, "exists");
    ++made;
    return {};
  }
  void remove_entry(const std::string& entry) override { entries.erase(entry); }
  Result<Raw> read(const std::string& entry, const std::string& attribute, uint64_t) override {
    Entry& it = entries.at(entry);
    if (attribute == "generation") return raw(fmt::format("{}\n", it.generation));
    if (attribute == "provider") return raw("sev_guest\n");
    if (attribute == "auxblob" && auxiliary) return *auxiliary;
    if (attribute == "privlevel_floor" && floor) return raw(*floor);
    if (attribute == "outblob") {
      Raw blob = it.values["inblob"];
      blob.insert(blob.begin(), it.values["privlevel"].begin(), it.values["privlevel"].end());
      if (other_writers > 0) {
        --other_writers;
        ++it.generation;
      }
      return empty ? Raw{} : blob;
    }
    return fail(ErrorKind::unavailable, "no {}", attribute);
  }
  Result<void> write(const std::string& entry, const std::string& attribute, Bytes value) override {
    Entry& it = entries.at(entry);
    it.values[attribute] = Raw(value.begin(), value.end());
    ++it.generation;
    return {};
  }

  struct Entry {
    std::map<std::string, Raw> values;
    uint64_t generation = 7;
  };
  std::map<std::string, Entry> entries;
  int made = 0;
  int other_writers = 0;  // how many reports somebody else will disturb
  bool empty = false;
  std::optional<std::string> floor;
  std::optional<Raw> auxiliary = raw("certificates");
};

TEST(TsmReport, is_asked_for_in_an_entry_that_is_removed_again) {
  FakeTsm kernel;
  TsmRequest request;
  request.report_data.fill(0x5a);
  request.privilege_level = 1;
  const auto report = request_tsm_report(kernel, request);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->provider, "sev_guest");
  EXPECT_EQ(report->auxiliary, raw("certificates"));
  Raw expected(64, 0x5a);
  expected.insert(expected.begin(), '1');
  EXPECT_EQ(report->evidence, expected);
  EXPECT_EQ(kernel.made, 1);
  EXPECT_TRUE(kernel.entries.empty());
}

TEST(TsmReport, is_asked_for_at_the_kernels_own_privilege_level) {
  FakeTsm kernel;
  const Raw plain(64);
  EXPECT_EQ(request_tsm_report(kernel, {})->evidence, plain);
  kernel.floor = "0\n";
  EXPECT_EQ(request_tsm_report(kernel, {})->evidence, plain);
  kernel.floor = "2\n";
  EXPECT_EQ(request_tsm_report(kernel, {})->evidence.front(), '2');
  TsmRequest request;
  request.privilege_level = 3;
  EXPECT_EQ(request_tsm_report(kernel, request)->evidence.front(), '3');
  kernel.floor = "low\n";
  EXPECT_EQ(request_tsm_report(kernel, {}).error().kind, ErrorKind::malformed);
}

TEST(TsmReport, needs_no_auxiliary_blob) {
  FakeTsm kernel;
  kernel.auxiliary = std::nullopt;
  const auto report = request_tsm_report(kernel, {});
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->auxiliary.empty());
}

TEST(TsmReport, is_asked_for_again_when_somebody_else_writes_to_the_entry) {
  FakeTsm kernel;
  kernel.other_writers = 2;
  EXPECT_TRUE(request_tsm_report(kernel, {}).has_value());
  kernel.other_writers = 1000;
  const auto report = request_tsm_report(kernel, {});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(kernel.entries.empty());
}

TEST(TsmReport, is_never_empty) {
  FakeTsm kernel;
  kernel.empty = true;
  EXPECT_EQ(request_tsm_report(kernel, {}).error().kind, ErrorKind::unavailable);
}

TEST(TsmFolder, reads_and_writes_the_files_of_a_tree) {
  const TempFolder temp;
  const auto folder = open_tsm_folder(temp.path);
  ASSERT_TRUE(folder->make_entry("one").has_value());
  EXPECT_FALSE(folder->make_entry("one").has_value());
  EXPECT_EQ(folder->read("one", "outblob", 10).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(folder->write("one", "inblob", {}).error().kind, ErrorKind::unavailable);
  std::ofstream(temp.path / "one" / "inblob") << "";
  std::ofstream(temp.path / "one" / "outblob") << std::string(10000, 'x');
  const Raw value = {1, 2, 3};
  ASSERT_TRUE(folder->write("one", "inblob", value).has_value());
  EXPECT_EQ(*folder->read("one", "inblob", 10), value);
  EXPECT_EQ(folder->read("one", "outblob", 10000)->size(), 10000u);
  EXPECT_EQ(folder->read("one", "outblob", 9999).error().kind, ErrorKind::exhausted);
  std::filesystem::remove(temp.path / "one" / "inblob");
  std::filesystem::remove(temp.path / "one" / "outblob");
  folder->remove_entry("one");
  EXPECT_FALSE(std::filesystem::exists(temp.path / "one"));
  EXPECT_FALSE(open_tsm_folder(temp.path / "absent")->make_entry("x").has_value());
}

class FakeDevice final : public Device {
 public:
  using Play = std::function<int(unsigned long, void*)>;
  explicit FakeDevice(Play play) : play_(std::move(play)) {}
  int control(unsigned long request, void* argument) override { return play_(request, argument); }

 private:
  Play play_;
};

// A host with a certificate table of `table_bytes`, and a security processor that quotes its caller.
FakeDevice fake_sev_guest(uint32_t table_bytes, uint32_t status = 0) {
  return FakeDevice([=](unsigned long number, void* argument) {
    EXPECT_EQ(number, SNP_GET_EXT_REPORT);
    auto& message = *static_cast<snp_guest_request_ioctl*>(argument);
    EXPECT_EQ(message.msg_version, 1);
    auto& request = *std::bit_cast<snp_ext_report_req*>(message.req_data);
    if (request.certs_len < table_bytes) {
      request.certs_len = table_bytes;
      message.exitinfo2 = uint64_t{SNP_GUEST_VMM_ERR_INVALID_LEN} << SNP_GUEST_VMM_ERR_SHIFT;
      return EIO;
    }
    if (table_bytes != 0) std::memset(std::bit_cast<void*>(request.certs_address), 7, table_bytes);
    auto& response = *std::bit_cast<snp_report_resp*>(message.resp_data);
    const uint32_t bytes = 1184;
    std::memcpy(response.data, &status, 4);
    std::memcpy(response.data + 4, &bytes, 4);
    response.data[32] = 2;
    std::memcpy(response.data + 32 + 0x30, &request.data.vmpl, 4);
    std::memcpy(response.data + 32 + 0x50, request.data.user_data, 64);
    return 0;
  });
}

TEST(SevGuest, gives_report_and_certificates_of_any_size) {
  std::array<uint8_t, 64> data;
  data.fill(0x77);
  for (const uint32_t table_bytes : {0u, 4096u, 100000u}) {
    auto device = fake_sev_guest(table_bytes);
    const auto report = request_sev_guest_report(device, data, 2);
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_EQ(report->report.size(), 1184u);
    EXPECT_EQ(report->report[0], 2);
    EXPECT_EQ(report->report[0x30], 2);
    EXPECT_EQ(report->report[0x50 + 63], 0x77);
    EXPECT_EQ(std::ranges::count(report->certificate_table, 7), table_bytes);
    EXPECT_EQ(report->certificate_table.empty(), table_bytes == 0);
  }
}

TEST(SevGuest, is_an_error_where_processor_or_host_refuse) {
  auto refusing = fake_sev_guest(0, 0x16);
  EXPECT_EQ(request_sev_guest_report(refusing, {}, 0).error().kind, ErrorKind::unavailable);
  auto greedy = fake_sev_guest(1u << 30);
  EXPECT_EQ(request_sev_guest_report(greedy, {}, 0).error().kind, ErrorKind::unavailable);
  FakeDevice broken([](unsigned long, void*) { return EIO; });
  EXPECT_EQ(request_sev_guest_report(broken, {}, 0).error().kind, ErrorKind::unavailable);
}

Raw table_entry(const Raw& guid, uint32_t offset, uint32_t bytes) {
  ByteWriter out;
  out.append(guid);
  out.write(offset);
  out.write(bytes);
  return out.release();
}

const Raw kVcekGuid = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                       0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};

Raw table_of(std::initializer_list<Raw> entries, std::string_view content) {
  Raw table;
  for (const Raw& entry : entries) table.insert(table.end(), entry.begin(), entry.end());
  table.insert(table.end(), content.begin(), content.end());
  return table;
}

TEST(CertificateTable, gives_what_it_knows_and_passes_over_the_rest) {
  const Raw end(24);
  const Raw other(16, 9);
  const auto table = parse_certificate_table(
      table_of({table_entry(other, 72, 3), table_entry(kVcekGuid, 74, 4), end}, "abcdef"));
  ASSERT_TRUE(table.has_value()) << table.error().message;
  EXPECT_EQ(table->vcek, raw("cdef"));
  EXPECT_TRUE(table->ask.empty());
  EXPECT_TRUE(parse_certificate_table({}).has_value());
}

TEST(CertificateTable, is_refused_when_it_is_cut_or_points_outside) {
  const Raw end(24);
  EXPECT_FALSE(parse_certificate_table(Raw(23, 1)).has_value());
  EXPECT_FALSE(parse_certificate_table(table_of({table_entry(kVcekGuid, 48, 4), end}, "abc")));
  EXPECT_FALSE(
      parse_certificate_table(table_of({table_entry(kVcekGuid, 0xffffffff, 0xffffffff), end}, "")));
  EXPECT_FALSE(parse_certificate_table(
      table_of({table_entry(kVcekGuid, 72, 1), table_entry(kVcekGuid, 72, 1), end}, "a")));
}

TEST(TdxGuest, gives_a_report_over_the_callers_bytes) {
  FakeDevice device([](unsigned long, void* argument) {
    auto* bytes = static_cast<uint8_t*>(argument);
    std::memset(bytes + 64, bytes[63], 1024);
    return 0;
  });
  std::array<uint8_t, 64> data{};
  data[63] = 9;
  const auto report = request_td_report(device, data);
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(std::ranges::all_of(*report, [](uint8_t byte) { return byte == 9; }));
  FakeDevice broken([](unsigned long, void*) { return EINVAL; });
  EXPECT_EQ(request_td_report(broken, data).error().kind, ErrorKind::unavailable);
}

TEST(Rtmr, is_read_and_extended_by_whole_digests) {
  const TempFolder temp;
  const auto path = temp.path / "rtmr3";
  Rtmr digest;
  digest.fill(7);
  EXPECT_EQ(read_rtmr(path).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(extend_rtmr(path, digest).error().kind, ErrorKind::unavailable);
  std::ofstream(path) << std::string(47, 'x');
  EXPECT_EQ(read_rtmr(path).error().kind, ErrorKind::malformed);
  ASSERT_TRUE(extend_rtmr(path, digest).has_value());
  EXPECT_EQ(*read_rtmr(path), digest);  // an ordinary file keeps what is written
  EXPECT_EQ(extend_rtmr("/dev/full", digest).error().kind, ErrorKind::unavailable);
}

// The module's side of one exchange.
FakeDevice fake_nsm(std::function<Raw(const cbor::Document&)> answer) {
  return FakeDevice([answer](unsigned long, void* argument) {
    uint64_t message[4];
    std::memcpy(message, argument, sizeof(message));
    const auto request =
        cbor::Document::read(Bytes(std::bit_cast<const uint8_t*>(message[0]), message[1]));
    EXPECT_TRUE(request.has_value());
    if (!request) return EINVAL;
    const Raw response = answer(*request);
    if (response.size() > message[3]) return EMSGSIZE;
    std::memcpy(std::bit_cast<void*>(message[2]), response.data(), response.size());
    message[3] = response.size();
    std::memcpy(argument, message, sizeof(message));
    return 0;
  });
}

Raw nsm_answer(std::string_view command, std::string_view field, std::string_view value) {
  cbor::Writer out;
  out.map(1);
  out.text(command);
  out.map(1);
  out.text(field);
  out.bytes(as_bytes(value));
  return out.written();
}

TEST(Nsm, is_asked_for_a_document_and_pcrs_in_its_own_words) {
  auto device = fake_nsm([](const cbor::Document& request) {
    const auto fields = request.root().find("Attestation");
    EXPECT_TRUE(fields && fields->count() == 3);
    EXPECT_EQ(fields->find("public_key")->type(), cbor::Type::null);
    EXPECT_EQ(fields->find("user_data")->bytes("x")->size(), 64u);
    EXPECT_EQ(fields->find("nonce")->bytes("x")->size(), 0u);
    return nsm_answer("Attestation", "document", "signed");
  });
  const auto document = request_nsm_document(device, {Raw(64, 1), Raw{}, std::nullopt});
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(*document, raw("signed"));

  auto pcr_device = fake_nsm([](const cbor::Document& request) {
    const auto fields = request.root().find("ExtendPCR");
    EXPECT_EQ(*fields->find("index")->unsigned_integer("index"), 16u);
    return nsm_answer("ExtendPCR", "data", "value");
  });
  EXPECT_EQ(*extend_nsm_pcr(pcr_device, 16, Raw{1}), raw("value"));

  auto locked = fake_nsm([](const cbor::Document&) {
    Raw answer = nsm_answer("DescribePCR", "data", "value");
    answer[1 + 1 + 11] = 0xa2;  // one more pair in the inner map
    for (const uint8_t byte : {0x64, 0x6c, 0x6f, 0x63, 0x6b, 0xf5}) answer.push_back(byte);
    return answer;
  });
  const auto pcr = read_nsm_pcr(locked, 3);
  ASSERT_TRUE(pcr.has_value()) << pcr.error().message;
  EXPECT_TRUE(pcr->locked);
  EXPECT_EQ(pcr->value, raw("value"));
}

TEST(Nsm, is_an_error_where_the_module_refuses_or_says_something_else) {
  auto refusing = fake_nsm([](const cbor::Document&) {
    cbor::Writer out;
    out.map(1);
    out.text("Error");
    out.text("InvalidOperation");
    return out.written();
  });
  const auto refused = request_nsm_document(refusing, {});
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_NE(refused.error().message.find("InvalidOperation"), std::string::npos);
  auto other =
      fake_nsm([](const cbor::Document&) { return nsm_answer("GetRandom", "random", ""); });
  EXPECT_EQ(request_nsm_document(other, {}).error().kind, ErrorKind::malformed);
  auto noise = fake_nsm([](const cbor::Document&) { return Raw{0xff}; });
  EXPECT_EQ(request_nsm_document(noise, {}).error().kind, ErrorKind::malformed);
  NsmRequest long_nonce;
  long_nonce.nonce = Raw(kNsmNonceBytesMax + 1);
  EXPECT_EQ(request_nsm_document(noise, long_nonce).error().kind, ErrorKind::exhausted);
}

TEST(Device, that_is_absent_is_unavailable) {
  EXPECT_EQ(open_device("/nonexistent/device").error().kind, ErrorKind::unavailable);
}

// A machine in a temporary folder, with nothing in it yet.
struct Machine {
  TempFolder folder;
  Places places{folder.path / "tsm", folder.path / "tdx",   folder.path / "sev",
                folder.path / "nsm", folder.path / "tpm",   folder.path / "cpuinfo",
                folder.path / "dmi", folder.path / "rtmr3", folder.path / "ccel"};
  static void touch(const std::filesystem::path& path, std::string_view content = "") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
};

TEST(Detection, says_what_it_looked_for_and_why_it_decided) {
  Machine machine;
  const auto nothing = detect_platform(machine.places);
  EXPECT_FALSE(nothing.platform.has_value());
  EXPECT_EQ(nothing.reason, "no sign of a TEE");
  EXPECT_EQ(nothing.signs.size(), 9u);
  for (const Sign& sign : nothing.signs) EXPECT_FALSE(sign.found) << sign.looked_for;

  Machine::touch(machine.places.cpuinfo, "model name\t: x\nflags\t\t: fpu sev_snp_x sev_snp\n");
  const auto flag_only = detect_platform(machine.places);
  EXPECT_FALSE(flag_only.platform.has_value());
  EXPECT_NE(flag_only.reason.find("sev-guest"), std::string::npos);

  std::filesystem::create_directories(machine.places.tsm_report);
  EXPECT_EQ(detect_platform(machine.places).platform, Platform::sev_snp);
  Machine::touch(machine.places.tdx_guest);
  EXPECT_EQ(detect_platform(machine.places).platform, Platform::tdx);
  Machine::touch(machine.places.nsm);
  EXPECT_EQ(detect_platform(machine.places).platform, Platform::nitro_enclave);
}

TEST(Detection, tells_a_tpm_of_azure_from_others) {
  Machine machine;
  Machine::touch(machine.places.tpm);
  EXPECT_EQ(detect_platform(machine.places).platform, Platform::tpm);
  Machine::touch(machine.places.dmi / "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n");
  EXPECT_EQ(detect_platform(machine.places).platform, Platform::azure_paravisor);
  Machine::touch(machine.places.sev_guest);
  EXPECT_EQ(detect_platform(machine.places).platform, Platform::sev_snp);
}

}  // namespace
}  // namespace sotto::attest::collect
