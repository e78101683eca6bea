// Services that are played: good, wrong, too large, slow, down; and a cache that outlives them.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collateral/fetch_collateral.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "attest/azure/cases_for_testing.h"
#include "attest/azure/imds.h"
#include "attest/azure/verify.h"
#include "attest/nvidia/device_for_testing.h"
#include "attest/nvidia/verify.h"
#include "attest/snp/signer_for_testing.h"
#include "attest/snp/verify.h"
#include "attest/tdx/simulated_platform.h"
#include "attest/tdx/verify.h"
#include "attest/verify/verify_evidence.h"
#include "base/text_encoding.h"
#include "crypto/ocsp.h"
#include "fetch/server_for_testing.h"

namespace sotto::attest::collateral {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kTime = tdx::SimulatedPlatform::kTime;
constexpr int64_t kDay = 86400;

std::string percent_encoded(Bytes bytes) {
  std::string out;
  for (const uint8_t byte : bytes) out += fmt::format("%{:02X}", byte);
  return out;
}

// Intel's service with the simulated platform's collateral.
struct Pcs {
  explicit Pcs(tdx::TeeType tee = tdx::TeeType::tdx)
      : platform(tee, tee == tdx::TeeType::tdx ? 4 : 3), made(platform.make()) {
    sources.limit = std::chrono::milliseconds(500);
    use_pccs(sources, server.url() + "/");
    folder = fs::temp_directory_path() / fmt::format("sotto_collateral_{}", getpid());
    fs::remove_all(folder);
  }
  ~Pcs() { fs::remove_all(folder); }

  std::string blob(std::string_view name) const {
    return std::string(as_text(*made.collateral.find(name)));
  }
  std::string answer(const std::string& request) const {
    if (!spoilt.empty()) return spoilt;
    const auto has = [&](std::string_view path) { return request.find(path) != std::string::npos; };
    const auto chain = [&](const char* field, std::string_view name) {
      return fmt::format("{}: {}\r\n", field, percent_encoded(*made.collateral.find(name)));
    };
    if (has("/certification/v4/tcb?fmspc=00806f050000 ")) {
      return fetch::http_answer(blob(tdx::kTcbInfo),
                                chain("TCB-Info-Issuer-Chain", tdx::kTcbSigningChain) +
                                    chain("SGX-TCB-Info-Issuer-Chain", tdx::kTcbSigningChain));
    }
    if (has("/certification/v4/qe/identity ")) {
      return fetch::http_answer(blob(tdx::kQeIdentity),
                                chain("SGX-Enclave-Identity-Issuer-Chain", tdx::kTcbSigningChain));
    }
    if (has("/sgx/certification/v4/pckcrl?ca=platform&encoding=der ")) {
      return fetch::http_answer(blob(tdx::kPckCrl),
                                chain("SGX-PCK-CRL-Issuer-Chain", tdx::kPckCrlIssuerChain));
    }
    if (has("/sgx/certification/v4/rootcacrl ")) {
      return fetch::http_answer(hex_of(*made.collateral.find(tdx::kRootCaCrl)));
    }
    return fetch::http_answer("", "", "404 Not Found");
  }

  tdx::SimulatedPlatform platform;
  tdx::SimulatedPlatform::Made made;
  std::string spoilt;
  fetch::ServerForTesting server{[this](const std::string& request) { return answer(request); }};
  Sources sources;
  fs::path folder;
};

TEST(FetchCollateral, of_intel_verifies_a_quote_and_is_kept) {
  for (const auto& [tee, kind] : {std::pair(tdx::TeeType::tdx, EvidenceKind::tdx_quote),
                                  std::pair(tdx::TeeType::sgx, EvidenceKind::sgx_quote)}) {
    Pcs pcs(tee);
    CollateralFetcher fetcher(pcs.sources, pcs.folder);
    const auto fetched = fetcher.fetch(kind, pcs.made.quote, {}, kTime);
    ASSERT_TRUE(fetched) << fetched.error().message;
    const auto claims = verify_evidence(kind, pcs.made.quote, *fetched, pcs.made.roots, kTime);
    EXPECT_TRUE(claims) << (claims ? "" : claims.error().message);
    EXPECT_EQ(pcs.server.asked(), 4u);
    EXPECT_TRUE(fetcher.fetch(kind, pcs.made.quote, {}, kTime + kDay - 1));
    EXPECT_EQ(pcs.server.asked(), 4u);  // from the cache
    EXPECT_TRUE(fetcher.fetch(kind, pcs.made.quote, {}, kTime + kDay));
    EXPECT_EQ(pcs.server.asked(), 8u);
    EXPECT_TRUE(fetcher.fetch(kind, pcs.made.quote, *fetched, kTime + 9 * kDay));
    EXPECT_EQ(pcs.server.asked(), 8u);  // nothing is missing
  }
}

TEST(FetchCollateral, takes_what_is_old_when_the_source_is_down_and_says_so) {
  Pcs pcs;
  CollateralFetcher fetcher(pcs.sources, pcs.folder);
  ASSERT_TRUE(fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime));
  for (const std::string& spoilt :
       {fetch::http_answer("", "", "503 Service Unavailable"), std::string("nonsense"),
        fetch::http_answer(std::string(kCollateralBytesMax + 1, 'x')),
        fetch::http_answer("{}",
                           "tcb-info-issuer-chain: %zz\r\n"
                           "sgx-enclave-identity-issuer-chain: %1\r\n"
                           "sgx-pck-crl-issuer-chain: %zz\r\n",
                           "404 Not Found")}) {
    pcs.spoilt = spoilt;
    const auto old = fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime + 3 * kDay);
    ASSERT_TRUE(old);
    EXPECT_EQ(fetcher.stale().size(), 4u);
    EXPECT_NE(fetcher.stale().front().find("3 days old"), std::string::npos);
    EXPECT_TRUE(verify_evidence(EvidenceKind::tdx_quote, pcs.made.quote, *old, pcs.made.roots,
                                kTime + 3 * kDay));
  }
  // It is verified like anything else: too old is too old.
  const auto old = fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime + 40 * kDay);
  ASSERT_TRUE(old);
  EXPECT_EQ(verify_evidence(EvidenceKind::tdx_quote, pcs.made.quote, *old, pcs.made.roots,
                            kTime + 40 * kDay)
                .error()
                .reason,
            Reason::expired);
  // Without a cache there is nothing.
  CollateralFetcher without(pcs.sources, "");
  EXPECT_EQ(without.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime).error().kind,
            ErrorKind::unavailable);
}

// A captive portal answers everything, and with 200.
TEST(FetchCollateral, neither_keeps_nor_returns_what_is_not_of_its_kind) {
  const std::string portal = fetch::http_answer("<html>Please log in</html>");
  Pcs pcs;
  CollateralFetcher fetcher(pcs.sources, pcs.folder);
  pcs.spoilt = portal;
  const auto nothing = fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, ErrorKind::unavailable) << nothing.error().message;
  EXPECT_FALSE(fs::exists(pcs.folder) && !fs::is_empty(pcs.folder));

  pcs.spoilt.clear();
  const auto good = fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime);
  ASSERT_TRUE(good);
  pcs.spoilt = portal;
  for (int again = 0; again < 2; ++again) {
    const auto old = fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime + 2 * kDay);
    ASSERT_TRUE(old);
    EXPECT_EQ(old->blobs(), good->blobs());
    ASSERT_EQ(fetcher.stale().size(), 4u);
    EXPECT_NE(fetcher.stale().front().find("2 days old"), std::string::npos);
  }
  // A good body whose issuers are none is no better.
  pcs.spoilt = fetch::http_answer(pcs.blob(tdx::kTcbInfo), "tcb-info-issuer-chain: none\r\n");
  EXPECT_TRUE(fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime + 2 * kDay));
  EXPECT_EQ(fetcher.stale().size(), 4u);
  // An entry like that, kept in an earlier time, is as if it was not there.
  const std::string url = pcs.sources.intel + "/tdx/certification/v4/qe/identity";
  Cache(pcs.folder).put(url, {kTime + 2 * kDay, {'<', 'h', '>'}, ""});
  pcs.spoilt.clear();
  const uint32_t asked = pcs.server.asked();
  const auto anew = fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime + kDay / 2);
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->blobs(), good->blobs());
  EXPECT_EQ(pcs.server.asked(), asked + 1);
}

TEST(FetchCollateral, asks_again_before_what_it_has_expires) {
  Pcs pcs;  // its lists and infos are valid from five days before kTime to 25 after it
  CollateralFetcher fetcher(pcs.sources, pcs.folder);
  const auto at = [&](int64_t seconds) {
    const auto fetched =
        fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime + seconds);
    EXPECT_TRUE(fetched);
    return pcs.server.asked();
  };
  EXPECT_EQ(at(23 * kDay + kDay / 2), 4u);
  EXPECT_EQ(at(24 * kDay - 1), 4u);
  EXPECT_EQ(at(24 * kDay), 8u);  // the last day, though none of it is a day old
  // Its source has nothing newer: it is not asked with each use.
  EXPECT_EQ(at(24 * kDay + 59), 8u);
  EXPECT_EQ(at(24 * kDay + 60), 12u);
  EXPECT_TRUE(fetcher.stale().empty());
  pcs.spoilt = fetch::http_answer("", "", "503 Service Unavailable");
  EXPECT_EQ(at(24 * kDay + 200), 16u);
  EXPECT_EQ(fetcher.stale().size(), 4u);
}

TEST(FetchCollateral, knows_when_there_should_be_something_newer) {
  EXPECT_EQ(refresh_time(kTime, kTime + 100 * kDay), kTime + 99 * kDay);  // at most a day before
  EXPECT_EQ(refresh_time(kTime, kTime + 1000), kTime + 900);              // or a tenth of its life
  EXPECT_EQ(refresh_time(kTime, kTime - 1), kTime - 1);
  EXPECT_EQ(refresh_time(INT64_MIN, INT64_MAX), INT64_MAX - kDay);
  EXPECT_EQ(refresh_time(INT64_MAX, INT64_MIN), INT64_MIN);
}

TEST(CollateralCache, is_bounded_in_entries_and_in_bytes) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("sotto_cache_{}", getpid());
  const auto kept = [&](CacheLimits limits) {
    fs::remove_all(folder);
    const Cache cache(folder, limits);
    std::string found;
    for (int i = 0; i < 6; ++i) {
      cache.put(std::to_string(i), {kTime, std::vector<uint8_t>(30'000, 'x'), ""});
      // So far apart that a file system's clock tells them.
      for (const auto& entry : fs::directory_iterator(folder)) {
        fs::last_write_time(entry.path(), entry.last_write_time() - std::chrono::hours(1));
      }
    }
    for (int i = 0; i < 6; ++i) {
      if (cache.find(std::to_string(i))) found += std::to_string(i);
    }
    return found;
  };
  EXPECT_EQ(kept({}), "012345");
  EXPECT_EQ(kept({.entries_max = 2}), "45");
  EXPECT_EQ(kept({.bytes_max = 130'000}), "345");  // of about 40 kB each
  EXPECT_EQ(kept({.bytes_max = 1}), "");
  fs::remove_all(folder);
}

TEST(FetchCollateral, does_not_wait_for_long) {
  Pcs pcs;
  pcs.server.delay_ms = 5000;
  CollateralFetcher fetcher(pcs.sources, "");
  const auto slow = fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime);
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().kind, ErrorKind::expired);
}

TEST(FetchCollateral, trusts_no_entry_that_was_changed) {
  Pcs pcs;
  CollateralFetcher fetcher(pcs.sources, pcs.folder);
  ASSERT_TRUE(fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime));
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(pcs.folder)) {
    ++files;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40);
    file.put('X');
  }
  EXPECT_EQ(files, 4u);
  ASSERT_TRUE(fetcher.fetch(EvidenceKind::tdx_quote, pcs.made.quote, {}, kTime));
  EXPECT_EQ(pcs.server.asked(), 8u);
}

TEST(FetchCollateral, of_amd_finds_the_product_and_the_key) {
  for (const auto product : {snp::Product::milan, snp::Product::turin}) {
    const snp::SignerForTesting amd(product);
    std::vector<uint8_t> report = amd.report();
    amd.sign(report);
    const crypto::Certificate key = amd.issue(amd.endorsement());
    const std::vector<uint8_t> crl = amd.revocation_list({}, kTime + 100 * kDay);
    std::string asked;
    fetch::ServerForTesting server([&](const std::string& request) {
      asked += request.substr(0, request.find(" HTTP")) + "\n";
      const std::string path = fmt::format("/vcek/v1/{}/", to_string(product));
      if (request.find(path + "crl ") != std::string::npos) {
        return fetch::http_answer(std::string(as_text(crl)));
      }
      if (request.find(path) != std::string::npos && request.find("SPL=") != std::string::npos) {
        return fetch::http_answer(std::string(as_text(key.der())));
      }
      return fetch::http_answer("", "", "404 Not Found");
    });
    Sources sources;
    sources.amd = server.url();
    CollateralFetcher fetcher(sources, "");
    const auto fetched = fetcher.fetch(EvidenceKind::snp_report, report, {}, kTime);
    ASSERT_TRUE(fetched) << fetched.error().message << asked;
    const auto claims =
        verify_evidence(EvidenceKind::snp_report, report, *fetched, amd.roots(), kTime);
    EXPECT_TRUE(claims) << (claims ? "" : claims.error().message);
    EXPECT_TRUE(claims && claims->flags.at("revocation_checked"));
  }
}

// A report of version 2 does not tell its product; the key that was given with it does.
TEST(FetchCollateral, of_amd_takes_the_product_from_a_given_key) {
  const snp::SignerForTesting amd(snp::Product::genoa);
  std::vector<uint8_t> report = amd.report();
  report[0] = 2;
  std::fill_n(report.begin() + 0x188, 3, uint8_t{0});
  amd.sign(report);
  const std::vector<uint8_t> crl = amd.revocation_list({}, kTime + 100 * kDay);
  std::string asked;
  fetch::ServerForTesting server([&](const std::string& request) {
    asked += request.substr(0, request.find(" HTTP")) + "\n";
    return fetch::http_answer(std::string(as_text(crl)));
  });
  Sources sources;
  sources.amd = server.url();
  CollateralFetcher fetcher(sources, "");
  Collateral have;
  const crypto::Certificate certificate = amd.issue(amd.endorsement());
  const Bytes key = certificate.der();
  ASSERT_TRUE(have.add(std::string(snp::kKeyCertificate), {key.begin(), key.end()}));
  auto fetched = fetcher.fetch(EvidenceKind::snp_report, report, have, kTime);
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(asked, "GET /vcek/v1/Genoa/crl\n");
  for (const auto& [name, bytes] : have.blobs()) ASSERT_TRUE(fetched->add(name, bytes));
  const auto claims =
      verify_evidence(EvidenceKind::snp_report, report, *fetched, amd.roots(), kTime);
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_TRUE(claims->flags.at("revocation_checked"));

  // One that does not tell either: no list, rather than another product's.
  for (const Bytes given : {as_bytes("no certificate"), amd.ark().der()}) {
    asked.clear();
    ASSERT_TRUE(have.add(std::string(snp::kKeyCertificate), {given.begin(), given.end()}));
    fetched = fetcher.fetch(EvidenceKind::snp_report, report, have, kTime);
    ASSERT_TRUE(fetched);
    EXPECT_TRUE(fetched->blobs().empty());
    EXPECT_EQ(asked, "");
    EXPECT_EQ(fetcher.stale().size(), 1u);
  }
}

TEST(FetchCollateral, of_nvidia_brings_manifests_and_answers_on_revocation) {
  nvidia::DeviceForTesting device;
  const nvidia::DeviceForTesting::Made made = device.make();
  constexpr int64_t kThen = nvidia::DeviceForTesting::kTime;
  Collateral have;
  const auto chain_pem = *made.collateral.find(nvidia::kDeviceChain);
  ASSERT_TRUE(have.add(std::string(nvidia::kDeviceChain), {chain_pem.begin(), chain_pem.end()}));
  const auto chain = crypto::parse_pem_chain(as_text(chain_pem)).value();
  bool revoked = false;
  std::string asked;
  const auto rim_of = [&](const std::string& request, std::string_view name) {
    const size_t at = request.find("/rim/") + 5;
    const std::string id = request.substr(at, request.find(' ', at) - at);
    return fetch::http_answer(
        fmt::format(R"({{"id":"{}","rim":"{}"}})", id,
                    base64_of(*made.collateral.find(name), Base64::standard)));
  };
  fetch::ServerForTesting server([&](const std::string& request) {
    asked += request.substr(0, request.find("\r\n")) + "\n";
    if (request.find("/rim/NV_GPU_DRIVER") != std::string::npos) {
      return rim_of(request, nvidia::kDriverRim);
    }
    if (request.find("/rim/NV_GPU_VBIOS") != std::string::npos) {
      return rim_of(request, nvidia::kVbiosRim);
    }
    const auto answer = crypto::make_ocsp_for_testing(
        chain.at(1), made.root, made.root, device.root_key, revoked, kThen - kDay, kThen + kDay);
    return fetch::http_answer(std::string(as_text(answer)));
  });
  Sources sources;
  sources.nvidia_rim = server.url() + "/rim/";
  sources.nvidia_ocsp = server.url() + "/ocsp";
  CollateralFetcher fetcher(sources, "");
  for (const bool bad : {false, true}) {
    revoked = bad;
    const auto fetched = fetcher.fetch(EvidenceKind::nvidia_gpu_report, made.report, have, kThen);
    ASSERT_TRUE(fetched) << fetched.error().message << asked;
    Collateral all = have;
    for (const auto& [name, bytes] : fetched->blobs()) ASSERT_TRUE(all.add(name, bytes));
    const auto claims =
        verify_evidence(EvidenceKind::nvidia_gpu_report, made.report, all, made.roots, kThen);
    if (bad) {
      ASSERT_FALSE(claims);
      EXPECT_EQ(claims.error().reason, Reason::revoked) << claims.error().message;
    } else {
      ASSERT_TRUE(claims) << claims.error().message << asked;
      EXPECT_TRUE(claims->flags.at("revocation_checked"));
      EXPECT_EQ(verify_evidence(EvidenceKind::nvidia_gpu_report, made.report, all, made.roots,
                                kThen + 2 * kDay)
                    .error()
                    .reason,
                Reason::expired);
    }
  }
}

// An HCL report of Azure's SNP machines, as recorded, with a metadata service that is played.
TEST(FetchCollateral, of_azure_comes_from_the_machines_own_metadata_service) {
  const fs::path good = fs::path(SOTTO_TESTDATA_DIR) / "attest/azure-hcl-report/good";
  const auto read = [&](const char* name) {
    std::ifstream file(good / name, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  };
  const std::string report = read("evidence.bin");
  ASSERT_FALSE(report.empty());
  std::string asked;
  std::string reply = fetch::http_answer(R"({"vcekCert":"PEM","certificateChain":"PEM2"})");
  fetch::ServerForTesting server([&](const std::string& request) {
    asked = request;
    return reply;
  });
  Sources sources;
  sources.azure_metadata = server.url();
  CollateralFetcher fetcher(sources, "");
  const auto fetched = fetcher.fetch(EvidenceKind::azure_hcl_report, as_bytes(report), {}, kTime);
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_TRUE(fetched->find("thim.json"));
  EXPECT_NE(asked.find("GET /metadata/THIM/amd/certification"), std::string::npos);
  EXPECT_NE(asked.find("metadata: true"), std::string::npos);
  for (const std::string& bad : {fetch::http_answer("{}"), fetch::http_answer("<html>"),
                                 fetch::http_answer("", "", "500 No"), std::string("nonsense")}) {
    reply = bad;
    EXPECT_FALSE(fetcher.fetch(EvidenceKind::azure_hcl_report, as_bytes(report), {}, kTime));
  }
}

// The instance's attested document is an extra: whatever becomes of it, the rest is there.
TEST(FetchCollateral, of_azure_has_the_attested_document_where_it_is_asked_for) {
  const fs::path good = fs::path(SOTTO_TESTDATA_DIR) / "attest/azure-hcl-report/good/evidence.bin";
  std::ifstream file(good, std::ios::binary);
  const std::string report{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  ASSERT_FALSE(report.empty());
  const azure::ImdsSignerForTesting azure;
  const auto quote = as_bytes("a vTPM's quote");
  const std::string nonce = azure::imds_nonce_of(quote);
  EXPECT_EQ(nonce.size(), 10u);
  const std::string json = fmt::format(
      R"({{"nonce":"{}","vmId":"v","subscriptionId":"s","sku":"k","timeStamp":)"
      R"({{"createdOn":"04/15/22 05:00:00 -0000","expiresOn":"04/15/22 11:00:00 -0000"}}}})",
      nonce);
  const std::vector<uint8_t> document = azure.sign(json, "metadata.azure.com");
  const std::string right = fetch::http_answer(fmt::format(
      R"({{"encoding":"pkcs7","signature":"{}"}})", base64_of(document, Base64::standard)));
  std::string asked;
  std::string reply;
  uint32_t wait_ms = 0;
  fetch::ServerForTesting server([&](const std::string& request) {
    if (request.find("/metadata/THIM/") != std::string::npos) {
      return fetch::http_answer(R"({"vcekCert":"PEM","certificateChain":"PEM2"})");
    }
    asked = request;
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    return reply;
  });
  Sources sources;
  sources.azure_metadata = server.url();
  sources.limit = std::chrono::milliseconds(300);
  Collateral have;
  ASSERT_TRUE(have.add(std::string(azure::kTpmQuoteBlob), {quote.begin(), quote.end()}));
  const auto fetch_with = [&](bool wanted) {
    sources.azure_document = wanted;
    CollateralFetcher fetcher(sources, "");
    const auto got = fetcher.fetch(EvidenceKind::azure_hcl_report, as_bytes(report), have, kTime);
    EXPECT_TRUE(got && got->find(azure::kThimBlob));
    const auto found = got ? got->find(azure::kImdsDocumentBlob) : std::nullopt;
    EXPECT_EQ(fetcher.stale().size(), wanted && !found ? 1u : 0u);
    return found ? std::vector<uint8_t>(found->begin(), found->end()) : std::vector<uint8_t>();
  };
  reply = right;
  EXPECT_TRUE(fetch_with(false).empty());
  EXPECT_EQ(asked, "");
  EXPECT_EQ(fetch_with(true), document);
  EXPECT_NE(asked.find("GET /metadata/attested/document?api-version=2020-09-01&nonce=" + nonce +
                       " HTTP/1.1\r\n"),
            std::string::npos);
  EXPECT_NE(asked.find("metadata: true"), std::string::npos);
  Roots roots;
  roots.replace(Vendor::microsoft_tls, {azure.root()});
  const auto verified = azure::verify_imds(document, {nonce}, {}, roots, azure.kTime);
  EXPECT_TRUE(verified) << (verified ? "" : verified.error().message);

  for (const std::string& wrong :
       {fetch::http_answer("<html>"), fetch::http_answer("{}"),
        fetch::http_answer("", "", "400 No"),
        fetch::http_answer(R"({"encoding":"pkcs7","signature":"MIIB"})"),
        fetch::http_answer(R"({"encoding":"jws","signature":""})"), std::string("nonsense"),
        fetch::http_answer(std::string(kCollateralBytesMax + 1, 'x'))}) {
    reply = wrong;
    EXPECT_TRUE(fetch_with(true).empty());
  }
  reply = right;
  wait_ms = 1000;
  EXPECT_TRUE(fetch_with(true).empty());
}

TEST(FetchCollateral, refuses_what_is_no_evidence_and_asks_nobody) {
  Pcs pcs;
  CollateralFetcher fetcher(pcs.sources, "");
  const std::vector<uint8_t> noise(2000, 0x5a);
  for (EvidenceKind kind : evidence_kinds()) {
    for (Bytes bytes : {Bytes(), Bytes(noise)}) {
      const auto fetched = fetcher.fetch(kind, bytes, {}, kTime);
      EXPECT_TRUE(!fetched || fetched->blobs().empty()) << to_string(kind);
    }
  }
  EXPECT_EQ(pcs.server.asked(), 0u);
}

}  // namespace
}  // namespace sotto::attest::collateral
