// What a piece of evidence, a certificate or a log says of itself, before anything about it is checked.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto::cmd {

struct Description {
  std::string kind;  // as evidence kinds are called, or "certificate", "revocation-list", …
  boost::json::object fields;  // bytes in hexadecimal, times as text
};

// By the content alone; nothing for what is none of ours.
std::optional<Description> describe_evidence(Bytes bytes);
// As this kind, or why it is none; `unsupported` for kinds that cannot be described.
Result<Description> describe_as(std::string_view kind, Bytes bytes);

// The parts: each `malformed` for bytes that are something else.
Result<boost::json::object> describe_quote(Bytes bytes);
Result<boost::json::object> describe_snp_report(Bytes bytes);
Result<boost::json::object> describe_nitro_document(Bytes bytes);
Result<boost::json::object> describe_hcl_report(Bytes bytes);
Result<boost::json::object> describe_gpu_report(Bytes bytes);
Result<boost::json::object> describe_tpm_evidence(Bytes bytes);
Result<boost::json::object> describe_certificates(Bytes bytes);
Result<boost::json::object> describe_crl(Bytes bytes);
Result<boost::json::object> describe_token(Bytes bytes);
Result<boost::json::object> describe_event_log(Bytes bytes);
Result<boost::json::object> describe_cel(Bytes bytes);
Result<boost::json::object> describe_bundle(Bytes bytes);

}  // namespace sotto::cmd
