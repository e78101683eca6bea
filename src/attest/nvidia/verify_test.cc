// Each rule of a GPU's verification refuses what it is there for, on devices of our own making.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/verify.h"

#include <gtest/gtest.h>

#include <functional>

#include "attest/nvidia/cases_for_testing.h"
#include "attest/nvidia/device_for_testing.h"
#include "attest/nvidia/rim.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::nvidia {
namespace {

using Device = DeviceForTesting;

Verified<Claims> verify(const Device::Made& made, const DeviceOptions& options = {}) {
  return verify_gpu_report(made.report, made.collateral, made.roots, Device::kTime, options);
}

// The devices share their keys, which take most of the time to make.
const Device& good() {
  static const Device device;
  return device;
}

Device changed(const std::function<void(Device&)>& change) {
  Device device = good();
  change(device);
  return device;
}

std::function<std::string(std::string)> replacing(std::string from, std::string to) {
  return [from, to](std::string text) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
}

TEST(NvidiaVerify, accepts_a_good_device_and_names_what_it_measured) {
  const auto claims = verify(good().make(), {.nonce = std::vector<uint8_t>(32, 0x11)});
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->platform, "nvidia-gpu");
  EXPECT_EQ(claims->report_data, std::vector<uint8_t>(32, 0x11));
  EXPECT_EQ(claims->measurements.at("measurement3"), std::vector<uint8_t>(48, 3));
  EXPECT_EQ(claims->notes.at("driver_version"), "580.1.2");
  EXPECT_EQ(claims->notes.at("vbios_version"), "96.00.5E.00.01");
  EXPECT_EQ(claims->notes.at("mode"), "single");
  EXPECT_TRUE(claims->flags.at("measurements_match"));
  EXPECT_FALSE(claims->flags.at("revocation_checked"));
  EXPECT_TRUE(claims->root_replaced);
  for (const Rule& rule : claims->rules) EXPECT_EQ(rule.verdict, RuleVerdict::passed) << rule.name;
}

TEST(NvidiaVerify, accepts_a_blackwell_device) {
  const Device device = changed([](Device& d) {
    d.device_spec.common_name = "GB20X A01 GSP FMC LF";
    d.composite_extension = false;
    d.tcb_info_extension = true;
    d.set_opaque(OpaqueField::chip_info, text_field("GB202"));
    d.driver_rim.product = "GB202";
    d.vbios_rim.product = "GB20X";
    d.set_opaque(OpaqueField::feature_flag, {1, 0});
  });
  const auto claims = verify(device.make());
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->notes.at("mode"), "multi");
  EXPECT_EQ(claims->notes.at("architecture"), "blackwell");
}

// The same cases as testdata/attest/ ships, made anew.
TEST(NvidiaVerify, refuses_by_each_rule_what_it_is_there_for) {
  const auto roots = good().make().roots;
  for (const CaseForTesting& one : make_cases_for_testing(good())) {
    EXPECT_EQ(verdict_for_testing(verify_gpu_report(one.evidence, one.collateral, roots, one.time),
                                  std::vector<Rule>()),
              one.verdict + " " + one.rule)
        << one.name;
  }
}

TEST(NvidiaVerify, compares_the_nonce_that_the_asker_names) {
  const Device::Made made = good().make();
  EXPECT_EQ(outcome(verify(made, {.nonce = std::vector<uint8_t>(32, 0x12)})), "!binding-mismatch");
  EXPECT_EQ(outcome(verify(made, {.nonce = std::vector<uint8_t>(31, 0x11)})), "!binding-mismatch");
}

TEST(NvidiaVerify, refuses_when_collateral_or_roots_are_missing) {
  const Device::Made made = good().make();
  for (std::string_view name : {kDeviceChain, kDriverRim, kVbiosRim}) {
    Device::Made without = made;
    without.collateral = {};
    for (const auto& [other, bytes] : made.collateral.blobs()) {
      if (other != name) {
        ASSERT_TRUE(without.collateral.add(other, bytes));
      }
    }
    EXPECT_EQ(outcome(verify(without)), "!missing-collateral") << name;
  }
  Device::Made pinned = made;
  pinned.roots = Roots::pinned();
  EXPECT_EQ(outcome(verify(pinned)), "!untrusted-root");
  pinned.roots.replace(Vendor::nvidia_device, {made.root});
  EXPECT_EQ(outcome(verify(pinned)), "!untrusted-root") << "of the manifests";
}

TEST(NvidiaVerify, without_manifests_rules_are_marked_as_skipped) {
  Device::Made made = good().make();
  Collateral only_chain;
  ASSERT_TRUE(only_chain.add(std::string(kDeviceChain),
                             made.collateral.blobs().at(std::string(kDeviceChain))));
  made.collateral = only_chain;
  const auto claims = verify(made, {.nonce = {}, .rims_required = false});
  ASSERT_TRUE(claims);
  EXPECT_FALSE(claims->flags.at("measurements_match"));
  const auto skipped = std::count_if(claims->rules.begin(), claims->rules.end(), [](const Rule& r) {
    return r.verdict == RuleVerdict::skipped;
  });
  EXPECT_EQ(skipped, 2);
}

TEST(NvidiaVerify, counts_nvdec0_only_where_it_is_on) {
  const auto spoil = [](Device& d) { d.measurements[35][0] ^= 1; };
  EXPECT_EQ(outcome(verify(changed(spoil).make())), "!measurement-mismatch");
  EXPECT_EQ(outcome(verify(changed([&](Device& d) {
                             spoil(d);
                             d.set_opaque(OpaqueField::nvdec0_status, {kStatusOff});
                           }).make())),
            "verified");
}

TEST(NvidiaVerify, refuses_devices_that_are_revoked) {
  const Device::Made made = good().make();
  const auto with_crl = [&](crypto::CrlSpec crl) {
    Device::Made revoked = made;
    EXPECT_TRUE(
        revoked.collateral.add("nvidia_crl_boot_rom.der", issue_crl(crl, made.ca, good().ca_key)));
    return verify(revoked);
  };
  const int64_t day = 86'400;
  EXPECT_EQ(outcome(with_crl({Device::kTime - day, Device::kTime + day, {3}})), "!revoked");
  EXPECT_EQ(outcome(with_crl({Device::kTime - 2 * day, Device::kTime - day, {}})), "!expired");
  const auto fine = with_crl({Device::kTime - day, Device::kTime + day, {99}});
  ASSERT_TRUE(fine) << fine.error().message;
  EXPECT_TRUE(fine->flags.at("revocation_checked"));
}

TEST(NvidiaVerify, refuses_chains_with_something_beside_the_path) {
  Device::Made made = good().make();
  std::vector<uint8_t> pem = made.collateral.blobs().at(std::string(kDeviceChain));
  const std::string other = crypto::pem_of({crypto::issue_certificate(
      good().root_spec, good().rim_key.public_key(), nullptr, good().rim_key)});
  pem.insert(pem.end(), other.begin(), other.end());
  ASSERT_TRUE(made.collateral.add(std::string(kDeviceChain), pem));
  EXPECT_EQ(outcome(verify(made)), "!chain-invalid");
}

TEST(NvidiaVerify, allows_only_zeros_behind_the_signature) {
  Device::Made made = good().make();
  made.report.resize(made.report.size() + 100);
  EXPECT_EQ(outcome(verify(made)), "verified");
  made.report.back() = 1;
  EXPECT_EQ(outcome(verify(made)), "!malformed");
  made.report = good().make().report;
  for (size_t size = 0; size < made.report.size(); size += 7) {
    Device::Made cut = made;
    cut.report.resize(size);
    EXPECT_EQ(outcome(verify(cut)), "!malformed") << size;
  }
}

// What is signed is fixed: whoever writes the document does not choose it.
TEST(NvidiaRim, refuses_signatures_of_another_shape) {
  const struct {
    const char* from;
    const char* to;
    const char* outcome;
  } kInfo[] = {
      {"URI=\"\"", "URI=\"#x\"", "!unsupported"},
      {"ecdsa-sha384", "hmac-sha384", "!unsupported"},
      {"xmldsig-more#sha384", "xmldsig-more#md5", "!unsupported"},
      {"2006/12/xml-c14n11\"></ds:CanonicalizationMethod>",
       "2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>", "!unsupported"},
      {"enveloped-signature", "base64", "!unsupported"},
      {"</ds:Transforms>",
       "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"></ds:Transform>"
       "</ds:Transforms>",
       "!unsupported"},
      {"<ds:Reference", "<ds:Reference URI=\"\"></ds:Reference><ds:Reference", "!malformed"},
      {"<ds:DigestValue>", "<ds:DigestValue>AA", "!bad-signature"},
  };
  for (const auto& row : kInfo) {
    SCOPED_TRACE(row.from);
    const auto result = verify(changed([&](Device& d) {
                                 d.vbios_rim.edit_signed_info = replacing(row.from, row.to);
                               }).make());
    EXPECT_EQ(outcome(result), row.outcome) << (result ? "" : result.error().message);
  }
}

TEST(NvidiaRim, refuses_documents_that_were_changed_or_wrapped) {
  const struct {
    const char* from;
    const char* to;
    const char* outcome;
  } kEdits[] = {
      {"index=\"2\"", "index=\"4\"", "!bad-signature"},
      {"</Payload>", "</Payload>x", "!bad-signature"},
      {"<Payload>", "<Payload xmlns:x=\"y\">", "!bad-signature"},
      {"<SoftwareIdentity", "<!DOCTYPE SoftwareIdentity [<!ENTITY a \"b\">]><SoftwareIdentity",
       "!malformed"},
      {"<SoftwareIdentity", "<?x y?><SoftwareIdentity", "!malformed"},
      {"<ds:Signature ",
       "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/><ds:Signature ",
       "!malformed"},
      {"<ds:KeyInfo>", "<ds:KeyInfo/><ds:KeyInfo>", "!malformed"},
      {"<ds:X509Data>", "<ds:X509Data><ds:X509SKI/>", "!malformed"},
      {"</SoftwareIdentity>", "", "!malformed"},
      {"<SoftwareIdentity ", "<SoftwareIdentity xml:base=\"x\" ", "!bad-signature"},
  };
  for (const auto& row : kEdits) {
    SCOPED_TRACE(row.from);
    const auto result =
        verify(changed([&](Device& d) { d.vbios_rim.edit = replacing(row.from, row.to); }).make());
    EXPECT_EQ(outcome(result), row.outcome) << (result ? "" : result.error().message);
  }
}

TEST(NvidiaRim, refuses_signed_contents_that_do_not_add_up) {
  const std::function<void(RimForTesting&)> kChanges[] = {
      [](RimForTesting& rim) { rim.rows[1].index = "1"; },
      [](RimForTesting& rim) { rim.rows[1].index = "256"; },
      [](RimForTesting& rim) { rim.rows[1].index = "-1"; },
      [](RimForTesting& rim) { rim.rows[1].index = "0x2"; },
      [](RimForTesting& rim) { rim.rows[1].active = "true"; },
      [](RimForTesting& rim) { rim.rows[1].alternatives = "2"; },
      [](RimForTesting& rim) { rim.rows[1].alternatives = "0"; },
      [](RimForTesting& rim) { rim.rows[1].hashes[0].pop_back(); },
      [](RimForTesting& rim) { rim.rows[1].hashes[0] = "00"; },
      [](RimForTesting& rim) { rim.rows[1].hashes[0][0] = 'x'; },
      [](RimForTesting& rim) { rim.rows[1].size = "65"; },
      [](RimForTesting& rim) { rim.rows.clear(); },
      [](RimForTesting& rim) { rim.version = ""; },
      [](RimForTesting& rim) { rim.product = std::string(65, 'x'); },
  };
  int number = 0;
  for (const auto& change : kChanges) {
    const auto result = verify(changed([&](Device& d) { change(d.vbios_rim); }).make());
    EXPECT_EQ(outcome(result), "!malformed")
        << number << ": " << (result ? "" : result.error().message);
    ++number;
  }
}

TEST(NvidiaRim, tells_manifests_of_drivers_and_of_vbioses_apart) {
  Rim rim;
  rim.version = "96.00.5E.00.01";
  EXPECT_TRUE(rim.is_vbios());
  for (const char* driver : {"535.86.09", "580.159.03", "96.00.5E.00.0", "96.00.5G.00.01", ""}) {
    rim.version = driver;
    EXPECT_FALSE(rim.is_vbios()) << driver;
  }
  EXPECT_EQ(*rim_collateral_name(as_bytes(good().make_rim(good().driver_rim))), kDriverRim);
  EXPECT_EQ(*rim_collateral_name(as_bytes(good().make_rim(good().vbios_rim))), kVbiosRim);
  EXPECT_FALSE(rim_collateral_name(as_bytes("<x/>")));
}

}  // namespace
}  // namespace sotto::attest::nvidia
