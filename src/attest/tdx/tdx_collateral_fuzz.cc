// Fuzzes everything that collateral is parsed by: the first byte says which piece the rest is.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "attest/tdx/collateral.h"
#include "attest/tdx/pck.h"
#include "crypto/x509.h"

namespace {

using namespace sotto;
using namespace sotto::attest;

void json(std::string_view text) {
  for (std::string_view member : {"tcbInfo", "enclaveIdentity"}) {
    const Result<tdx::SignedSection> section = tdx::split_signed(text, member);
    if (!section) continue;
    // The section lies inside of what was given.
    if (section->bytes.data() < text.data() ||
        section->bytes.data() + section->bytes.size() > text.data() + text.size()) {
      std::abort();
    }
    (void)tdx::parse_tcb_info(section->bytes);
    (void)tdx::parse_enclave_identity(section->bytes);
  }
  (void)tdx::parse_tcb_info(text);
  (void)tdx::parse_enclave_identity(text);
}

void certificates(Bytes bytes) {
  const Result<std::vector<crypto::Certificate>> chain = crypto::parse_certificates(bytes);
  if (!chain) return;
  for (const crypto::Certificate& one : *chain) {
    // Whatever parses must give all its parts without harm.
    if (one.der().empty() || one.spki().empty()) std::abort();
    (void)one.subject();
    (void)one.issuer();
    (void)one.subject_common_name();
    (void)one.serial();
    (void)one.not_before();
    (void)one.not_after();
    (void)one.public_key();
    (void)one.path_length();
    (void)one.key_usage();
    (void)one.self_signed();
    (void)tdx::parse_pck_platform(one);
  }
  // No root, no path.
  if (crypto::verify_chain(chain->front(), *chain, {}, {}, 1'750'000'000)) std::abort();
}

void crl(Bytes bytes) {
  const Result<crypto::Crl> list = crypto::Crl::parse(bytes);
  if (!list) return;
  (void)list->issuer();
  (void)list->this_update();
  (void)list->next_update();
  (void)list->number();
  (void)list->revoked_count();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  switch (data[0]) {
    case 'j':
      json({reinterpret_cast<const char*>(rest.data()), rest.size()});
      break;
    case 'c':
      certificates(rest);
      break;
    case 'r':
      crl(rest);
      break;
    default:
      break;
  }
  return 0;
}
