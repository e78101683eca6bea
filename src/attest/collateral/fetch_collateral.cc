// Which URLs, and what of their answers.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collateral/fetch_collateral.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/azure/hcl_report.h"
#include "attest/azure/imds.h"
#include "attest/azure/verify.h"
#include "attest/nvidia/rim_service.h"
#include "attest/nvidia/verify.h"
#include "attest/snp/endorsement.h"
#include "attest/snp/key_service.h"
#include "attest/snp/verify.h"
#include "attest/tdx/pck.h"
#include "attest/tdx/quote.h"
#include "attest/tdx/verify.h"
#include "base/text_encoding.h"
#include "crypto/ocsp.h"
#include "crypto/sha256.h"
#include "crypto/x509.h"

namespace sotto::attest::collateral {
namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kChipCertificateAgeMax = 30 * kDay;
// What is near its end, or over, may be all that its source has.
constexpr int64_t kAskAgainSeconds = 60;

// Intel sends PEM percent-encoded in a field [PCS].
Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const Result<std::vector<uint8_t>> byte = bytes_of_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return fail(ErrorKind::malformed, "a field's percent-encoding");
    out += static_cast<char>(byte->front());
    i += 2;
  }
  return out;
}

Result<crypto::Certificate> pck_leaf(const tdx::QuoteUnverified& quote, const Collateral& have) {
  Bytes pem = quote.certification_data;
  if (const auto given = have.find(tdx::kPckChain)) {
    pem = *given;
  } else if (quote.certification != tdx::CertificationData::pck_chain) {
    return fail(ErrorKind::unsupported, "the quote does not have its PCK certificate: give {}",
                tdx::kPckChain);
  }
  const auto chain = TRY(crypto::parse_pem_chain(as_text(pem)));
  if (chain.empty()) return fail(ErrorKind::malformed, "the quote's PCK chain is empty");
  return chain.front();
}

// Of a given VCEK or VLEK; nothing where it does not tell, which verification refuses.
std::optional<snp::Product> product_of_key(Bytes given) {
  const auto certificates = crypto::parse_certificates(given);
  if (!certificates) return std::nullopt;
  const auto key = snp::find_key_certificate(*certificates);
  if (!key) return std::nullopt;
  const auto endorsement = snp::parse_endorsement(*key);
  if (!endorsement) return std::nullopt;
  return endorsement->product;
}

}  // namespace

void use_pccs(Sources& sources, std::string address) {
  while (address.ends_with('/')) address.pop_back();
  sources.intel_root_crl = address + "/sgx/certification/v4/rootcacrl";
  sources.intel = std::move(address);
}

Result<CachedAnswer> CollateralFetcher::ask(const Wanted& wanted, int64_t now) {
  fetch::Request request;
  request.url = wanted.url;
  request.total_limit = sources_.limit;
  request.answer_bytes_max = kCollateralBytesMax;
  if (!wanted.ocsp_request.empty()) {
    request.method = "POST";
    request.fields.emplace_back("content-type", "application/ocsp-request");
    request.body.assign(wanted.ocsp_request.begin(), wanted.ocsp_request.end());
  }
  const fetch::Answer answer = TRY(fetcher_.get(request));
  const fetch::Url url = TRY(fetch::parse_url(wanted.url));
  if (answer.status != 200) {
    return fail(ErrorKind::unavailable, "{}: status {} for {}", url.authority, answer.status,
                wanted.name);
  }
  CachedAnswer fresh;
  fresh.fetched_at = now;
  fresh.body.assign(answer.body.begin(), answer.body.end());
  if (!wanted.chain_field.empty()) {
    fresh.chain = TRY(percent_decoded(answer.field(wanted.chain_field)));
  }
  if (const Result<int64_t> good = check(wanted, fresh); !good) {
    return fail(ErrorKind::unavailable, "{}: an answer that is not {}: {}", url.authority,
                wanted.name, good.error().message);
  }
  return fresh;
}

// When it should be asked for anew, by the body and its issuers.
Result<int64_t> CollateralFetcher::check(const Wanted& wanted, const CachedAnswer& answer) {
  const int64_t refresh = TRY(wanted.check(answer.body));
  if (answer.chain.empty()) return refresh;
  return std::min(refresh, TRY(check_certificates(as_bytes(answer.chain))));
}

Result<CachedAnswer> CollateralFetcher::get(const Wanted& wanted, int64_t now) {
  std::string key = wanted.url;
  if (!wanted.ocsp_request.empty()) key += "#" + hex_of(crypto::sha256(wanted.ocsp_request));
  std::optional<CachedAnswer> cached = cache_.find(key);
  int64_t age = 0;
  if (cached) {
    // Of an earlier version of this program perhaps, which kept whatever came.
    const Result<int64_t> refresh = check(wanted, *cached);
    age = now - cached->fetched_at;
    const int64_t age_max = refresh && now < *refresh ? wanted.age_max : kAskAgainSeconds;
    if (refresh && age >= 0 && age < age_max) return std::move(*cached);
    if (!refresh) cached.reset();
  }
  Result<CachedAnswer> fresh = ask(wanted, now);
  if (fresh) {
    cache_.put(key, *fresh);
    return fresh;
  }
  if (!cached) return fresh;
  stale_.push_back(
      fmt::format("{} is {} days old: {}", wanted.name, age / kDay, fresh.error().message));
  return std::move(*cached);
}

Result<void> CollateralFetcher::add(const Wanted& wanted, const Collateral& have, int64_t now,
                                    Collateral& into) {
  if (have.find(wanted.name) || into.find(wanted.name)) return {};
  CachedAnswer answer = TRY(get(wanted, now));
  TRY(into.add(std::string(wanted.name), std::move(answer.body)));
  if (!wanted.chain_name.empty() && !answer.chain.empty()) {
    TRY(into.add(std::string(wanted.chain_name), {answer.chain.begin(), answer.chain.end()}));
  }
  return {};
}

Result<Collateral> CollateralFetcher::fetch_intel(Bytes bytes, bool tdx, const Collateral& have,
                                                  int64_t now) {
  const tdx::QuoteUnverified quote = TRY(tdx::parse_quote(bytes));
  const crypto::Certificate leaf = TRY(pck_leaf(quote, have));
  const tdx::PckPlatform pck = TRY(tdx::parse_pck_platform(leaf));
  const std::string tee = sources_.intel + (tdx ? "/tdx" : "/sgx") + "/certification/v4";
  const std::string sgx = sources_.intel + "/sgx/certification/v4";
  const bool platform = leaf.issuer().find("Platform") != std::string::npos;
  const Wanted all[] = {
      {tee + "/tcb?fmspc=" + hex_of(pck.fmspc), tdx::kTcbInfo, check_tcb_info,
       tdx::kTcbSigningChain, tdx ? "tcb-info-issuer-chain" : "sgx-tcb-info-issuer-chain"},
      {tee + "/qe/identity", tdx::kQeIdentity, check_qe_identity, tdx::kQeIdentitySigningChain,
       "sgx-enclave-identity-issuer-chain"},
      {sgx + fmt::format("/pckcrl?ca={}&encoding=der", platform ? "platform" : "processor"),
       tdx::kPckCrl, check_revocation_list, tdx::kPckCrlIssuerChain, "sgx-pck-crl-issuer-chain"},
      {sources_.intel_root_crl, tdx::kRootCaCrl, check_revocation_list, "", ""},
  };
  Collateral collateral;
  for (const Wanted& wanted : all) TRY(add(wanted, have, now, collateral));
  return collateral;
}

Result<Collateral> CollateralFetcher::fetch_amd(Bytes bytes, const Collateral& have, int64_t now) {
  const snp::ReportUnverified report = TRY(snp::parse_report(bytes));
  std::optional<snp::Product> product = TRY(snp::product_of(report));
  Collateral collateral;
  if (const auto key = have.find(snp::kKeyCertificate)) {
    if (!product) product = product_of_key(*key);
  } else {
    // Reports of version 2 do not say their product: AMD's service knows which of them has the chip.
    std::vector<snp::Product> products = {snp::Product::milan, snp::Product::genoa};
    if (product) products = {*product};
    Result<void> added = fail(ErrorKind::unavailable, "no product");
    for (const snp::Product one : products) {
      const std::string url = TRY(snp::key_certificate_url(report, one, sources_.amd));
      added = add({url, snp::kKeyCertificate, check_certificates, "", "", kChipCertificateAgeMax},
                  have, now, collateral);
      product = one;
      if (added) break;
    }
    TRY(added);
  }
  // Verification says that it was not looked at where there is none. Another product's would be refused.
  if (!product) {
    stale_.push_back("no revocation list: the given key's certificate does not tell its product");
    return collateral;
  }
  const std::string crl = snp::revocation_list_url(report.signing_key, *product, sources_.amd);
  const Result<void> added =
      add({crl, snp::kRevocationList, check_revocation_list, "", ""}, have, now, collateral);
  if (!added) stale_.push_back("no revocation list: " + added.error().message);
  return collateral;
}

// Azure's metadata service is on the machine's own host, and never behind a proxy.
Result<std::string> CollateralFetcher::ask_azure(const std::string& path, std::string_view what,
                                                 const std::string& post) {
  fetch::Request request;
  request.url = sources_.azure_metadata + path;
  request.fields.emplace_back("metadata", "true");
  request.use_proxy = false;
  request.total_limit = sources_.limit;
  request.answer_bytes_max = kCollateralBytesMax;
  if (!post.empty()) {
    request.method = "POST";
    request.fields.emplace_back("content-type", "application/json");
    request.body.assign(post.begin(), post.end());
  }
  const fetch::Answer answer = TRY(fetcher_.get(request));
  if (answer.status != 200) {
    return fail(ErrorKind::unavailable, "Azure's metadata service: status {} for {}", answer.status,
                what);
  }
  return std::string(answer.body.begin(), answer.body.end());
}

Result<void> CollateralFetcher::add_azure_document(const Collateral& have, Collateral& into) {
  const auto quote = have.find(azure::kTpmQuoteBlob);
  if (!quote) return fail(ErrorKind::unavailable, "there is no vTPM's quote for its nonce");
  const std::string path =
      "/metadata/attested/document?api-version=2020-09-01&nonce=" + azure::imds_nonce_of(*quote);
  const std::string text = TRY(ask_azure(path, azure::kImdsDocumentBlob));
  return into.add(std::string(azure::kImdsDocumentBlob), TRY(azure::parse_imds_answer(text)));
}

// On an Azure machine its host has both: the VCEK's certificate, and a quoting enclave for the TDREPORT that
// the paravisor made. They change with the host, so they are asked for each time. Elsewhere a VCEK is AMD's to
// give, and a TD quote nobody's.
Result<Collateral> CollateralFetcher::fetch_azure(Bytes bytes, const Collateral& have,
                                                  int64_t now) {
  const azure::HclReportUnverified report = TRY(azure::parse_hcl_report(bytes));
  const bool snp = report.kind == azure::HardwareReport::snp;
  const std::string_view name = snp ? azure::kThimBlob : azure::kTdQuoteBlob;
  if (have.find(name)) {
    return snp ? Result<Collateral>(Collateral())
               : fetch_intel(*have.find(azure::kTdQuoteBlob), true, have, now);
  }
  if (sources_.azure_metadata.empty()) {
    return snp ? fetch_amd(report.hardware_report, have, now) : Result<Collateral>(Collateral());
  }
  const std::string post =
      snp ? std::string()
          : fmt::format(R"({{"report":"{}"}})", base64_of(report.hardware_report, Base64::url));
  const std::string text =
      TRY(ask_azure(snp ? "/metadata/THIM/amd/certification" : "/acc/tdquote", name, post));
  Collateral collateral;
  if (snp) {
    TRY(azure::parse_thim_answer(text));
    TRY(collateral.add(std::string(name), {text.begin(), text.end()}));
    return collateral;
  }
  const std::vector<uint8_t> quote = TRY(azure::parse_td_quote_answer(text));
  collateral = TRY(fetch_intel(quote, true, have, now));
  TRY(collateral.add(std::string(name), quote));
  return collateral;
}

Result<Collateral> CollateralFetcher::fetch_nvidia(Bytes report, const Collateral& have,
                                                   int64_t now) {
  const auto chain = have.find(nvidia::kDeviceChain);
  if (!chain) {
    return fail(ErrorKind::unavailable, "a GPU's {} comes from the machine that has it",
                nvidia::kDeviceChain);
  }
  const auto certificates = TRY(crypto::parse_pem_chain(as_text(*chain)));
  if (certificates.empty()) return fail(ErrorKind::malformed, "the GPU's chain is empty");
  Collateral collateral;
  const nvidia::HttpGet get_rim = [&](const std::string& url,
                                      uint64_t bytes_max) -> Result<std::vector<uint8_t>> {
    const std::string id = url.substr(std::min(sources_.nvidia_rim.size(), url.size()));
    const Wanted wanted{url, "a manifest", [id](Bytes body) { return check_manifest(body, id); },
                        "",  "",           kChipCertificateAgeMax};
    CachedAnswer answer = TRY(get(wanted, now));
    if (answer.body.size() > bytes_max)
      return fail(ErrorKind::exhausted, "a manifest is too large");
    return std::move(answer.body);
  };
  TRY(nvidia::fetch_rims(report, certificates.front(), get_rim, collateral, sources_.nvidia_rim));
  // Answers about all but the device's own certificate, for which NVIDIA has none. Verification says that
  // it was not looked at where there is none.
  for (size_t i = 1; i + 1 < certificates.size(); ++i) {
    const std::string name = fmt::format("{}{}.der", nvidia::kOcspPrefix, i);
    const Wanted wanted{sources_.nvidia_ocsp,
                        name,
                        [&certificates, i](Bytes body) {
                          return check_ocsp(body, certificates[i], certificates[i + 1]);
                        },
                        "",
                        "",
                        kDay / 2,
                        crypto::ocsp_request(certificates[i], certificates[i + 1])};
    const Result<void> added = add(wanted, have, now, collateral);
    if (!added) stale_.push_back("no answer on revocation: " + added.error().message);
  }
  return collateral;
}

Result<Collateral> CollateralFetcher::fetch(EvidenceKind kind, Bytes evidence,
                                            const Collateral& have, int64_t now) {
  stale_.clear();
  switch (kind) {
    case EvidenceKind::tdx_quote:
      return fetch_intel(evidence, true, have, now);
    case EvidenceKind::sgx_quote:
      return fetch_intel(evidence, false, have, now);
    case EvidenceKind::snp_report:
      return fetch_amd(evidence, have, now);
    case EvidenceKind::azure_hcl_report: {
      Collateral collateral = TRY(fetch_azure(evidence, have, now));
      const bool wanted = sources_.azure_document && !sources_.azure_metadata.empty() &&
                          !have.find(azure::kImdsDocumentBlob);
      if (!wanted) return collateral;
      // No evidence needs it.
      const Result<void> added = add_azure_document(have, collateral);
      if (!added) stale_.push_back("no attested document: " + added.error().message);
      return collateral;
    }
    case EvidenceKind::nvidia_gpu_report:
    case EvidenceKind::nvidia_switch_report:
      return fetch_nvidia(evidence, have, now);
    default:
      return Collateral();
  }
}

}  // namespace sotto::attest::collateral
