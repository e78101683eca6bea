// A node from its start to what a client makes of its answers: simulated, and on a machine that is played.
// SPDX-License-Identifier: Apache-2.0
#include "attest/node/node.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "attest/bundle/binding.h"
#include "attest/bundle/settings_log.h"
#include "attest/node/hints.h"
#include "attest/tdx/simulated_platform.h"
#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kTime = 1'750'000'000;
constexpr int64_t kDay = 86400;
const std::vector<uint8_t> kNonce(32, 0x4e);

Statement stated() {
  Statement statement;
  statement.program_version = "0.1.0";
  statement.program_sha256 = crypto::sha256(as_bytes("program"));
  statement.configuration_sha256 = crypto::sha256(as_bytes("configuration"));
  statement.models = {{"demo", {{}}, crypto::sha256(as_bytes("root"))}};
  return statement;
}

Policy simulated_policy() {
  Policy policy = default_policy();
  policy.platforms["simulated"].allow_simulated = true;
  policy.statement.emplace();
  policy.statement->measured = true;
  return policy;
}

TEST(Node, with_a_simulated_tee_answers_what_a_client_verifies) {
  const Statement statement = stated();
  auto node = Node::create(make_simulated_attester(statement.program_sha256, kTime), statement,
                           std::vector<uint8_t>(91, 0x30), kTime);
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ((*node)->unmeasured(), "");
  EXPECT_FALSE((*node)->own_appraisal().verified);  // not by the default policy
  const auto text = (*node)->bundle(kNonce, kTime + 5);
  ASSERT_TRUE(text);
  const auto bundle = parse_bundle(*text);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_EQ(as_text(bundle->statement), (*node)->statement_bytes());
  const auto appraise = [&](const Bundle& one, int64_t time) {
    return appraise_bundle(one, simulated_policy(), Roots::pinned(), time, {.nonce = kNonce});
  };
  const BundleAppraisal appraisal = appraise(*bundle, kTime + 5);
  EXPECT_TRUE(appraisal.verified) << (appraisal.error ? appraisal.error->message : "");
  EXPECT_EQ(appraisal.statement->platform, "simulated");
  EXPECT_FALSE(appraise(*bundle, kTime + kStatementSeconds).verified);
  EXPECT_NE(text->find(R"("tee_verified":false)"), std::string::npos);
}

TEST(Node, keeps_evidence_for_those_who_send_no_nonce) {
  const Statement statement = stated();
  auto node =
      Node::create(make_simulated_attester(statement.program_sha256, kTime), statement, {}, kTime);
  ASSERT_TRUE(node);
  const std::string first = (*node)->bundle({}, kTime).value();
  EXPECT_EQ((*node)->bundle({}, kTime + kCachedSeconds - 1).value(), first);
  EXPECT_NE((*node)->bundle({}, kTime + kCachedSeconds).value(), first);
  const std::string fresh = (*node)->bundle(kNonce, kTime).value();
  EXPECT_EQ((*node)->bundle(kNonce, kTime).value(), fresh);  // asked twice, made once
  const auto bundle = parse_bundle(first);
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(bundle->nonce.empty());
  EXPECT_TRUE(appraise_bundle(*bundle, simulated_policy(), Roots::pinned(), kTime).verified);
  for (size_t size : {1u, 15u, 65u}) {
    EXPECT_FALSE((*node)->bundle(std::vector<uint8_t>(size), kTime)) << size;
  }
}

TEST(Node, states_new_keys) {
  const Statement statement = stated();
  auto node =
      Node::create(make_simulated_attester(statement.program_sha256, kTime), statement, {}, kTime);
  ASSERT_TRUE(node);
  const auto before = (*node)->statement_sha256();
  ASSERT_TRUE((*node)->renew({1, 2, 3}, kTime + kDay));
  EXPECT_NE((*node)->statement_sha256(), before);
  EXPECT_EQ((*node)->statement().ohttp_keys, (std::vector<uint8_t>{1, 2, 3}));
  for (Bytes nonce : {Bytes(), Bytes(kNonce)}) {
    const auto bundle = parse_bundle((*node)->bundle(nonce, kTime + kDay).value());
    ASSERT_TRUE(bundle);
    const BundleAppraisal appraisal =
        appraise_bundle(*bundle, simulated_policy(), Roots::pinned(), kTime + kDay);
    EXPECT_TRUE(appraisal.verified);
    EXPECT_EQ(appraisal.statement_sha256, (*node)->statement_sha256());
    EXPECT_EQ(appraisal.statement->valid_until, kTime + kDay + kStatementSeconds);
  }
}

TEST(Node, answers_many_threads) {
  const Statement statement = stated();
  auto node =
      Node::create(make_simulated_attester(statement.program_sha256, kTime), statement, {}, kTime);
  ASSERT_TRUE(node);
  std::vector<std::thread> threads;
  std::atomic<uint32_t> good{0};
  for (uint8_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::vector<uint8_t> nonce(16, i);
      const auto text = (*node)->bundle(i == 0 ? Bytes() : Bytes(nonce), kTime + i * kDay / 20);
      const auto bundle = parse_bundle(text.value());
      good += bundle && bundle->nonce.size() == (i == 0 ? 0u : 16u);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 4u);
}

// A TD whose kernel quotes by configfs-tsm; the quotes are the simulated platform's under its own root.
class PlayedTsm final : public collect::TsmFolder {
 public:
  explicit PlayedTsm(const tdx::SimulatedPlatform& platform) : platform_(platform) {}
  Result<void> make_entry(const std::string&) override { return {}; }
  void remove_entry(const std::string&) override {}
  Result<std::vector<uint8_t>> read(const std::string&, const std::string& attribute,
                                    uint64_t) override {
    if (attribute == "generation") return std::vector<uint8_t>{static_cast<uint8_t>('0' + writes_)};
    if (attribute == "provider")
      return std::vector<uint8_t>{'t', 'd', 'x', '_', 'g', 'u', 'e', 's', 't'};
    if (attribute != "outblob") return fail(ErrorKind::unavailable, "no {}", attribute);
    tdx::SimulatedPlatform platform = platform_;
    std::copy(data_.begin(), data_.end(), platform.td.report_data.begin());
    return platform.make().quote;
  }
  Result<void> write(const std::string&, const std::string&, Bytes value) override {
    data_.assign(value.begin(), value.end());
    ++writes_;
    return {};
  }

 private:
  const tdx::SimulatedPlatform& platform_;
  std::vector<uint8_t> data_;
  int writes_ = 0;
};

class PlayedAccess final : public collect::Access {
 public:
  explicit PlayedAccess(const tdx::SimulatedPlatform& platform) : platform_(platform) {}
  std::unique_ptr<collect::TsmFolder> tsm(const fs::path&) override {
    return std::make_unique<PlayedTsm>(platform_);
  }
  Result<std::unique_ptr<collect::Device>> device(const fs::path&) override {
    return fail(ErrorKind::unavailable, "no device");
  }

 private:
  const tdx::SimulatedPlatform& platform_;
};

TEST(Node, on_a_td_collects_quotes_measures_settings_and_staples_collateral) {
  const fs::path folder = fs::temp_directory_path() / "sotto_node_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "tsm");
  std::ofstream(folder / "cpuinfo") << "flags : fpu tdx_guest\n";
  std::ofstream(folder / "rtmr3") << std::string(48, '\0');
  SystemPlaces system;
  for (fs::path* path : {&system.places.tdx_guest, &system.places.sev_guest, &system.places.nsm,
                         &system.places.tpm, &system.places.dmi, &system.places.ccel}) {
    *path = folder / "none";
  }
  system.places.tsm_report = folder / "tsm";
  system.places.cpuinfo = folder / "cpuinfo";
  system.places.rtmr3 = folder / "rtmr3";
  system.tcti = "device:" + (folder / "none").string();
  system.nvml = folder / "none";
  const tdx::SimulatedPlatform platform;
  const tdx::SimulatedPlatform::Made made = platform.make();
  uint32_t asked = 0;
  const CollateralSource source = [&](EvidenceKind kind, Bytes,
                                      const Collateral&) -> Result<Collateral> {
    EXPECT_EQ(kind, EvidenceKind::tdx_quote);
    ++asked;
    return made.collateral;
  };
  auto attester = make_system_attester(system, std::make_unique<PlayedAccess>(platform), source);
  ASSERT_TRUE(attester) << attester.error().message;
  auto node = Node::create(std::move(*attester), stated(), {}, kTime);
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ((*node)->statement().platform, "intel-tdx");
  EXPECT_EQ((*node)->unmeasured(), "");
  EXPECT_EQ(asked, 1u);
  const auto bundle = parse_bundle((*node)->bundle(kNonce, kTime).value());
  ASSERT_TRUE(bundle);
  const BundleAppraisal appraisal =
      appraise_bundle(*bundle, default_policy(), made.roots, kTime, {.nonce = kNonce});
  EXPECT_TRUE(appraisal.verified) << (appraisal.error ? appraisal.error->message : "");
  ASSERT_EQ(bundle->event_logs.size(), 1u);
  EXPECT_EQ(bundle->event_logs[0].kind, "cel");
  // Intel's real root vouches for none of it.
  EXPECT_FALSE(appraise_bundle(*bundle, default_policy(), Roots::pinned(), kTime).verified);
  fs::remove_all(folder);
}

TEST(Node, does_not_start_where_there_is_no_tee) {
  SystemPlaces system;
  for (fs::path* path :
       {&system.places.tsm_report, &system.places.tdx_guest, &system.places.sev_guest,
        &system.places.nsm, &system.places.tpm, &system.places.cpuinfo, &system.places.dmi}) {
    *path = "/nowhere";
  }
  const auto attester = make_system_attester(system);
  ASSERT_FALSE(attester);
  EXPECT_EQ(attester.error().kind, ErrorKind::unavailable);
}

TEST(Hints, take_the_kernels_lines_about_tees_only) {
  const std::string log =
      "<6>[1] tdx: Guest detected\n<6>[2] usb 1-1: new device\n<6>[3] SEV \x1b[31mactive";
  const std::vector<std::string> lines = tee_lines(log);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "<6>[1] tdx: Guest detected");
  EXPECT_EQ(lines[1], "<6>[3] SEV ?[31mactive");
  EXPECT_EQ(tee_lines(std::string(100000, '\n') + std::string(200, 'x')).size(), 0u);
}

}  // namespace
}  // namespace sotto::attest
