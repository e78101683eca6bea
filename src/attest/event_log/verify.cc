// Replay, compare, list.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/verify.h"

#include <algorithm>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/cel.h"

namespace sotto::attest::event_log {
namespace {

constexpr uint32_t kRtmrs = 4;

Verified<RegisterValues> rtmrs_of(const Claims& claims) {
  RegisterValues values;
  for (uint32_t i = 0; i < kRtmrs; ++i) {
    const auto at = claims.measurements.find(fmt::format("rtmr{}", i));
    if (at == claims.measurements.end()) {
      return refuse(Reason::wrong_kind, "{} evidence has no rtmr{}", claims.platform, i);
    }
    values[i + 1] = at->second;  // register 0 of the log is MRTD
  }
  return values;
}

void append(const std::vector<CelRecord>& records, std::vector<MeasuredEvent>& list) {
  for (const CelRecord& record : records) {
    if (record.registers != Registers::rtmrs) continue;
    MeasuredEvent one;
    one.reg = record.reg - 1;
    one.type = fmt::format("CEL content {}", record.content_type);
    one.text = record.text();
    one.proof = record.is_proven(kSha384) ? Proof::digest : Proof::none;
    const auto digest = std::ranges::find(record.digests, kSha384, &Digest::algorithm);
    if (digest != record.digests.end()) one.digest = {digest->bytes.begin(), digest->bytes.end()};
    list.push_back(std::move(one));
  }
}

Verified<void> as_measurement(Result<void> result) {
  if (result) return {};
  if (result.error().kind != ErrorKind::untrusted) {
    return std::unexpected(from_error("event log", result.error()));
  }
  return refuse(Reason::measurement_mismatch, "{}", result.error().message);
}

}  // namespace

std::vector<MeasuredEvent> list_events(const Log& log, uint16_t algorithm) {
  std::vector<MeasuredEvent> list;
  for (const Event& event : log.events) {
    if (event.type == kEvNoAction) continue;
    const Description description = describe(event, algorithm);
    MeasuredEvent one;
    one.reg = log.registers == Registers::rtmrs ? event.reg - 1 : event.reg;
    one.type = type_name(event.type);
    one.text = description.text;
    one.proof = description.proof;
    if (const Digest* digest = event.find(algorithm)) {
      one.digest = {digest->bytes.begin(), digest->bytes.end()};
    }
    list.push_back(std::move(one));
  }
  return list;
}

Verified<std::vector<MeasuredEvent>> explain_rtmrs(Bytes ccel, Claims& claims, Bytes cel) {
  RuleList rules;
  for (const Rule& rule : claims.rules) {
    rules.record(rule.name, rule.verdict, rule.expected, rule.actual);
  }
  const RegisterValues measured = TRY(rtmrs_of(claims));
  const Log log = TRY(rules.check("ccel", "a TCG event log of RTMRs",
                                  lift("event log", parse_log(ccel, Registers::rtmrs))));
  RegisterValues replayed =
      TRY(rules.check("ccel", "digests of SHA-384", lift("event log", replay(log, kSha384))));
  std::vector<MeasuredEvent> list = list_events(log, kSha384);
  if (!cel.empty()) {
    const auto records = TRY(
        rules.check("cel", "a canonical event log", lift("canonical event log", parse_cel(cel))));
    TRY(rules.check(
        "cel", "digests of SHA-384",
        lift("canonical event log", replay(records, Registers::rtmrs, kSha384, replayed))));
    append(records, list);
  }
  TRY(rules.check("ccel-replay", "events that give all four RTMRs",
                  as_measurement(match_registers(replayed, measured, Registers::rtmrs))));
  claims.rules = rules.rules();
  return list;
}

}  // namespace sotto::attest::event_log
