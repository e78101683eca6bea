// Recorded TDX machines of Google's: quote, firmware's event log, and an endorsement of our own of their MRTD.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/event_log/verify.h"
#include "attest/google/endorsement_for_testing.h"
#include "attest/google/verify.h"
#include "attest/tdx/verify.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::google {
namespace {

struct Recorded {
  const char* quote;
  const char* collateral;
  int64_t time;
};

// Collateral of the same processors of the same weeks.
const Recorded kMachines[] = {
    {"tdx/google_go-tdx-guest/ccel/cos-113-tdx-quote.dat",
     "tdx/matter-labs_teepot/quote_v4_tdx/collateral", 1'741'219'200},
    {"gcp/google_go-tpm-tools/tdx_quote.bin",
     "tdx/flashbots_attested-tls/dcap-tdx-1766059550570652607.collateral", 1'769'509'141},
    {"tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.bin",
     "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral", 1'782'809'233},
};

Verified<Claims> verify(const Recorded& machine) {
  return tdx::verify_tdx_quote(read_vector(machine.quote), read_collateral(machine.collateral),
                               Roots::pinned(), machine.time);
}

TEST(GoogleTdxVectors, are_endorsed_by_their_mrtd_alone) {
  SKIP_WITHOUT_VECTORS();
  for (const Recorded& recorded : kMachines) {
    const auto machine = verify(recorded);
    ASSERT_TRUE(machine.has_value()) << recorded.quote << ": " << machine.error().message;
    const EndorserForTesting endorser(recorded.time);
    GoldenForTesting golden;
    golden.timestamp = recorded.time;
    const auto unknown =
        endorse(*machine, endorser.endorse(golden), endorser.roots(), recorded.time);
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().reason, Reason::measurement_mismatch);
    golden.mrtd = machine->measurements.at("mrtd");
    const auto known = endorse(*machine, endorser.endorse(golden), endorser.roots(), recorded.time);
    ASSERT_TRUE(known.has_value()) << known.error().message;
    EXPECT_EQ(known->notes.at("firmware_ram_gib"), "16");
    EXPECT_EQ(known->report_data, machine->report_data);
    EXPECT_GT(known->rules.size(), machine->rules.size());
  }
}

TEST(GoogleTdxVectors, are_explained_by_their_event_log_alone) {
  SKIP_WITHOUT_VECTORS();
  auto machine = verify(kMachines[0]);
  ASSERT_TRUE(machine.has_value()) << machine.error().message;
  const auto list =
      event_log::explain_rtmrs(read_vector("tdx/google_go-tdx-guest/ccel/ccel_data.dat"), *machine);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->size(), 43u);
  auto other = verify(kMachines[1]);
  ASSERT_TRUE(other.has_value()) << other.error().message;
  const auto refused =
      event_log::explain_rtmrs(read_vector("tdx/google_go-tdx-guest/ccel/ccel_data.dat"), *other);
  EXPECT_EQ(refused.error().reason, Reason::measurement_mismatch);
  EXPECT_EQ(refused.error().rules.back().name, "ccel-replay");
}

// A run-time log explains RTMR3 alone: without the firmware's log of the same machine, the others are not.
TEST(GoogleTdxVectors, with_a_run_time_log_need_the_firmwares_too) {
  SKIP_WITHOUT_VECTORS();
  auto machine = verify(kMachines[1]);
  ASSERT_TRUE(machine.has_value()) << machine.error().message;
  const auto refused =
      event_log::explain_rtmrs(read_vector("tdx/google_go-tdx-guest/ccel/ccel_data.dat"), *machine,
                               read_vector("gcp/google_go-tpm-tools/cel.bin"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, Reason::measurement_mismatch);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("RTMR0"));
  EXPECT_THAT(refused.error().message, ::testing::Not(::testing::HasSubstr("RTMR3")));
}

}  // namespace
}  // namespace sotto::attest::google
