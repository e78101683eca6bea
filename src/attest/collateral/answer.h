// Whether an answer is what was asked for, and until when it may be kept. Nothing here is trusted for it: what
// is signed is verified where it is used. It keeps a captive portal's page from passing for collateral.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/x509.h"

namespace sotto::attest::collateral {

// From when on there should be a newer one, in Unix seconds: within the last tenth of what it is valid for,
// and at most a day before its end. INT64_MAX for what does not say.
int64_t refresh_time(int64_t valid_from, int64_t valid_until);

// Gives refresh_time() of what the body says; an error for a body that is none of the kind.
using Check = std::function<Result<int64_t>(Bytes body)>;

Result<int64_t> check_tcb_info(Bytes body);
Result<int64_t> check_qe_identity(Bytes body);
Result<int64_t> check_revocation_list(Bytes body);
Result<int64_t> check_certificates(
    Bytes body);  // one in DER, or any number in PEM; the first to end
// NVIDIA's service's answer about the manifest of that name. Manifests do not say until when.
Result<int64_t> check_manifest(Bytes body, std::string_view id);
Result<int64_t> check_ocsp(Bytes body, const crypto::Certificate& certificate,
                           const crypto::Certificate& issuer);

}  // namespace sotto::attest::collateral
