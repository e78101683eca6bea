// TPM evidence, certificates, revocation lists, tokens and event logs.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "attest/event_log/cel.h"
#include "attest/event_log/names.h"
#include "attest/event_log/replay.h"
#include "attest/event_log/systemd_log.h"
#include "attest/event_log/tcg.h"
#include "attest/event_log/verify.h"
#include "attest/nvidia/fwid.h"
#include "attest/snp/endorsement.h"
#include "attest/tdx/pck.h"
#include "attest/token/jws.h"
#include "attest/tpm/evidence.h"
#include "attest/tpm/quote.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "cmd/describe_evidence.h"
#include "crypto/x509.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;
using namespace attest;
using event_log::Registers;

constexpr uint16_t kSha256 = 0x000b, kSha384 = 0x000c;

json::object of_certificate(const crypto::Certificate& certificate) {
  json::object out{{"subject", certificate.subject()},
                   {"issuer", certificate.issuer()},
                   {"serial", hex_of(certificate.serial())},
                   {"not_before", utc_time_text(certificate.not_before())},
                   {"not_after", utc_time_text(certificate.not_after())},
                   {"ca", certificate.is_ca()},
                   {"sha256", hex_of(certificate.fingerprint())}};
  if (const auto key = certificate.public_key()) {
    out["key"] = fmt::format("{} {}", to_string(key->type()), key->bits());
  }
  if (const auto pck = tdx::parse_pck_platform(certificate)) {
    out["intel_sgx"] =
        json::object{{"ppid", hex_of(pck->ppid)},       {"fmspc", hex_of(pck->fmspc)},
                     {"pce_id", hex_of(pck->pce_id)},   {"pce_svn", pck->pce_svn},
                     {"cpu_svn", hex_of(pck->cpu_svn)}, {"components", hex_of(pck->sgx_components)},
                     {"sgx_type", pck->sgx_type}};
  }
  if (const auto amd = snp::parse_endorsement(certificate)) {
    out["amd_sev"] = json::object{{"key", to_string(amd->kind)},
                                  {"product", to_string(amd->product)},
                                  {"tcb", to_string(snp::decode_tcb(amd->tcb, amd->product))},
                                  {"hwid", hex_of(amd->hwid)},
                                  {"csp_id", amd->csp_id}};
  }
  if (const auto ids = nvidia::firmware_ids(certificate)) {
    json::array list;
    for (const std::vector<uint8_t>& id : *ids) list.emplace_back(hex_of(id));
    out["firmware_ids"] = std::move(list);
  }
  return out;
}

json::array of_log(const event_log::Log& log) {
  const bool rtmrs = log.registers == Registers::rtmrs;
  uint16_t algorithm = log.algorithms.empty() ? 0 : log.algorithms.front().id;
  for (const event_log::Algorithm& one : log.algorithms) {
    if (one.id == (rtmrs ? kSha384 : kSha256)) algorithm = one.id;
  }
  json::array events;
  for (const event_log::MeasuredEvent& event : event_log::list_events(log, algorithm)) {
    events.push_back(
        json::object{{"register", fmt::format("{}{}", rtmrs ? "rtmr" : "pcr", event.reg)},
                     {"type", event.type},
                     {"text", event.text},
                     {"digest", hex_of(event.digest)}});
  }
  return events;
}

// Names of registers after all events.
json::object of_registers(const event_log::Log& log) {
  json::object registers;
  const bool rtmrs = log.registers == Registers::rtmrs;
  const auto values = event_log::replay(log, rtmrs ? kSha384 : kSha256);
  if (!values) return registers;
  for (const auto& [number, value] : *values) {
    const uint32_t shown = rtmrs ? number - 1 : number;
    registers[fmt::format("{}{}", rtmrs ? "rtmr" : "pcr", shown)] = hex_of(value);
  }
  return registers;
}

}  // namespace

Result<json::object> describe_tpm_evidence(Bytes bytes) {
  const tpm::QuoteEvidence evidence = TRY(tpm::parse_evidence(as_text(bytes)));
  json::object out;
  if (const auto quote = tpm::parse_quote(evidence.attest)) {
    out["qualifying_data"] = hex_of(quote->extra_data);
    out["pcr_digest"] = hex_of(quote->pcr_digest);
    out["firmware_version"] = fmt::format("{:#x}", quote->firmware_version);
    out["reset_count"] = quote->reset_count;
    out["restart_count"] = quote->restart_count;
  }
  json::object banks;
  for (const auto& [algorithm, values] : evidence.pcrs) {
    json::object pcrs;
    for (const auto& [index, value] : values) pcrs[fmt::format("pcr{}", index)] = hex_of(value);
    banks[fmt::format("{:#06x}", algorithm)] = std::move(pcrs);
  }
  out["pcrs"] = std::move(banks);
  if (!evidence.certificate.empty()) {
    if (const auto certificate = describe_certificates(evidence.certificate)) {
      out["certificate"] = certificate->at("certificates");
    }
  }
  if (const auto log = event_log::parse_log(evidence.event_log, Registers::pcrs)) {
    out["events"] = of_log(*log);
  }
  return out;
}

Result<json::object> describe_certificates(Bytes bytes) {
  const auto certificates = TRY(crypto::parse_certificates(bytes));
  json::array list;
  for (const crypto::Certificate& one : certificates) list.push_back(of_certificate(one));
  return json::object{{"certificates", std::move(list)}};
}

Result<json::object> describe_crl(Bytes bytes) {
  const crypto::Crl crl = TRY(crypto::Crl::parse(bytes));
  json::object out{{"issuer", crl.issuer()},
                   {"this_update", utc_time_text(crl.this_update())},
                   {"next_update", nullptr},
                   {"number", hex_of(crl.number())},
                   {"revoked", crl.revoked_count()}};
  if (crl.next_update()) out["next_update"] = utc_time_text(*crl.next_update());
  return out;
}

Result<json::object> describe_token(Bytes bytes) {
  std::string_view text = as_text(bytes);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const auto jws = token::parse_jws(text);
  if (!jws) return fail(ErrorKind::malformed, "{}", jws.error().message);
  json::object out{{"algorithm", to_string(jws->algorithm)}};
  if (jws->key_id) out["key_id"] = *jws->key_id;
  if (jws->key_url) out["key_url"] = *jws->key_url;
  json::error_code error;
  const json::value payload = json::parse(
      json::string_view(reinterpret_cast<const char*>(jws->payload.data()), jws->payload.size()),
      error);
  if (!error) out["payload"] = payload;
  return out;
}

Result<json::object> describe_event_log(Bytes bytes) {
  // A log does not always say whose registers it means; as RTMRs it must be whole, too.
  for (const Registers registers : {Registers::rtmrs, Registers::pcrs}) {
    const auto log = event_log::parse_log(bytes, registers);
    if (!log) continue;
    const bool is_tpms = std::ranges::any_of(log->events, [](const event_log::Event& event) {
      return event.type != event_log::kEvNoAction && event.reg > 4;
    });
    if (registers == Registers::rtmrs && (is_tpms || of_registers(*log).empty())) continue;
    return json::object{{"legacy", log->legacy},
                        {"bytes", log->bytes},
                        {"events", of_log(*log)},
                        {"registers", of_registers(*log)}};
  }
  const auto records = TRY(event_log::parse_systemd_log(as_text(bytes)));
  json::array events;
  for (const event_log::SystemdRecord& record : records) {
    events.push_back(json::object{{"register", fmt::format("pcr{}", record.pcr)},
                                  {"type", record.event_type},
                                  {"text", record.text}});
  }
  return json::object{{"events", std::move(events)}};
}

Result<json::object> describe_cel(Bytes bytes) {
  const auto records = TRY(event_log::parse_cel(bytes));
  json::array events;
  for (const event_log::CelRecord& record : records) {
    const bool rtmrs = record.registers == Registers::rtmrs;
    json::object event{{"register", fmt::format("{}{}", rtmrs ? "rtmr" : "pcr",
                                                rtmrs ? record.reg - 1 : record.reg)},
                       {"type", fmt::format("content {}", record.content_type)},
                       {"text", record.text()}};
    for (const event_log::Digest& digest : record.digests) {
      event[fmt::format("digest_{:#06x}", digest.algorithm)] = hex_of(digest.bytes);
    }
    events.push_back(std::move(event));
  }
  return json::object{{"events", std::move(events)}};
}

}  // namespace sotto::cmd
