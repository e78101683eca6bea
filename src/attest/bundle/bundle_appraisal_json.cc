// A bundle's appraisal as JSON.
// SPDX-License-Identifier: Apache-2.0
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "attest/appraise/appraisal_json.h"
#include "attest/bundle/appraise_bundle.h"
#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest {

namespace json = boost::json;

json::object bundle_appraisal_json(const BundleAppraisal& appraisal) {
  json::array evidence;
  for (const Appraisal& one : appraisal.evidence) evidence.push_back(appraisal_json(one));
  json::array events;
  for (const event_log::MeasuredEvent& event : appraisal.events) {
    events.push_back(json::object{{"register", fmt::format("rtmr{}", event.reg)},
                                  {"type", event.type},
                                  {"text", event.text},
                                  {"digest", hex_of(event.digest)}});
  }
  json::object out{{"verdict", appraisal.verified ? "verified" : "rejected"},
                   {"platform", nullptr},
                   {"program_pinned", appraisal.program_pinned},
                   {"statement_sha256", hex_of(appraisal.statement_sha256)},
                   {"statement", nullptr},
                   {"rules", rules_json(appraisal.rules)},
                   {"evidence", std::move(evidence)},
                   {"events", std::move(events)},
                   {"error", error_json(appraisal.error)}};
  if (!appraisal.evidence.empty() && appraisal.evidence.front().claims) {
    out["platform"] = appraisal.evidence.front().claims->platform;
  }
  if (appraisal.statement) {
    const json::value statement = json::parse(serialize(*appraisal.statement));
    out["statement"] = statement;
  }
  return out;
}

}  // namespace sotto::attest
