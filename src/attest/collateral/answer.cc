// Each kind by its own parser.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collateral/answer.h"

#include <algorithm>

#include "attest/nvidia/rim.h"
#include "attest/nvidia/rim_service.h"
#include "attest/tdx/collateral.h"
#include "crypto/ocsp.h"

namespace sotto::attest::collateral {
namespace {

constexpr int64_t kDay = 86400;

}  // namespace

int64_t refresh_time(int64_t valid_from, int64_t valid_until) {
  // Times that an outsider chose: their difference may not fit.
  int64_t life = 0;
  if (__builtin_sub_overflow(valid_until, valid_from, &life)) life = INT64_MAX;
  const int64_t before = std::clamp<int64_t>(life / 10, 0, kDay);
  return valid_until < INT64_MIN + before ? INT64_MIN : valid_until - before;
}

Result<int64_t> check_tcb_info(Bytes body) {
  const tdx::SignedSection section = TRY(tdx::split_signed(as_text(body), "tcbInfo"));
  const tdx::TcbInfo info = TRY(tdx::parse_tcb_info(section.bytes));
  return refresh_time(info.issue_date, info.next_update);
}

Result<int64_t> check_qe_identity(Bytes body) {
  const tdx::SignedSection section = TRY(tdx::split_signed(as_text(body), "enclaveIdentity"));
  const tdx::EnclaveIdentity identity = TRY(tdx::parse_enclave_identity(section.bytes));
  return refresh_time(identity.issue_date, identity.next_update);
}

Result<int64_t> check_revocation_list(Bytes body) {
  const crypto::Crl crl = TRY(crypto::Crl::parse(body));
  return crl.next_update() ? refresh_time(crl.this_update(), *crl.next_update()) : INT64_MAX;
}

Result<int64_t> check_certificates(Bytes body) {
  int64_t refresh = INT64_MAX;
  for (const crypto::Certificate& one : TRY(crypto::parse_certificates(body))) {
    refresh = std::min(refresh, refresh_time(one.not_before(), one.not_after()));
  }
  return refresh;
}

Result<int64_t> check_manifest(Bytes body, std::string_view id) {
  TRY(nvidia::parse_rim_unverified(TRY(nvidia::parse_rim_answer(as_text(body), id))));
  return INT64_MAX;
}

Result<int64_t> check_ocsp(Bytes body, const crypto::Certificate& certificate,
                           const crypto::Certificate& issuer) {
  const crypto::OcspAnswer answer = TRY(crypto::read_ocsp_unverified(body, certificate, issuer));
  return answer.next_update ? refresh_time(answer.this_update, *answer.next_update) : INT64_MAX;
}

}  // namespace sotto::attest::collateral
