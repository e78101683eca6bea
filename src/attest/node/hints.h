// The flat fields beside a bundle that older programs read. Hints: nobody should believe them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "attest/bundle/appraise_bundle.h"

namespace sotto::attest {

// `tee_verified` is our own verdict on our own evidence by the default policy; null where the node does
// not know. `tee_dmesg` are the kernel's lines about TEEs, where it lets us read them.
boost::json::object hints_json(const BundleAppraisal& own);

// Lines of a kernel's log that speak of a TEE, at most 64 of them.
std::vector<std::string> tee_lines(std::string_view kernel_log);

}  // namespace sotto::attest
