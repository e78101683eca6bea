// Certificate paths by OpenSSL's verifier, at a given time, to pinned roots only.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/x509.h"

namespace sotto::crypto {
namespace {

struct FreeStore {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  // The certificates and lists themselves stay with their owners.
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
  void operator()(STACK_OF(X509_CRL) * stack) const { sk_X509_CRL_free(stack); }
};

ChainFault fault_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH:
    case X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY:
      return ChainFault::bad_signature;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return ChainFault::unknown_issuer;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return ChainFault::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return ChainFault::not_yet_valid;
    case X509_V_ERR_CERT_REVOKED:
      return ChainFault::revoked;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return ChainFault::crl_missing;
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return ChainFault::crl_expired;
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return ChainFault::crl_not_yet_valid;
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
      return ChainFault::crl_bad_signature;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_NON_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return ChainFault::not_a_ca;
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return ChainFault::path_too_long;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return ChainFault::weak_algorithm;
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
      return ChainFault::unhandled_extension;
    default:
      return ChainFault::other;
  }
}

std::unexpected<ChainError> fault(ChainFault which, X509* certificate, std::string_view what) {
  std::string name = "?";
  if (certificate != nullptr) {
    char* line = X509_NAME_oneline(X509_get_subject_name(certificate), nullptr, 0);
    if (line != nullptr) name = line;
    OPENSSL_free(line);
  }
  ERR_clear_error();
  return std::unexpected(ChainError{which, fmt::format("{} ({})", what, name)});
}

bool handles_all_critical(X509* certificate, const std::vector<std::string>& handled) {
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    if (X509_EXTENSION_get_critical(extension) == 0 || X509_supported_extension(extension) != 0) {
      continue;
    }
    char oid[128];
    const int size = OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(extension), 1);
    if (size <= 0 || static_cast<size_t>(size) >= sizeof oid ||
        std::find(handled.begin(), handled.end(), oid) == handled.end()) {
      return false;
    }
  }
  return true;
}

// OpenSSL asks here about every error; only critical extensions that the caller handles pass.
int on_verify_step(int ok, X509_STORE_CTX* context) {
  if (ok == 1 || X509_STORE_CTX_get_error(context) != X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION) {
    return ok;
  }
  const auto* options = static_cast<const ChainOptions*>(X509_STORE_CTX_get_app_data(context));
  X509* certificate = X509_STORE_CTX_get_current_cert(context);
  if (certificate == nullptr ||
      !handles_all_critical(certificate, options->critical_extensions_handled)) {
    return 0;
  }
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

void set_parameters(X509_STORE_CTX* context, int64_t time, const ChainOptions& options) {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  unsigned long flags =
      0;  // a pinned root's own signature adds nothing: its key is what is trusted
  if (options.crl_check == CrlCheck::leaf) flags |= X509_V_FLAG_CRL_CHECK;
  if (options.crl_check == CrlCheck::all) {
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  }
  CHECK(X509_VERIFY_PARAM_set_flags(parameters, flags) == 1);
  X509_VERIFY_PARAM_set_time(parameters, time);
  CHECK(X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY) == 1);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kChainCertificatesMax));
  X509_VERIFY_PARAM_set_auth_level(parameters, 2);  // 112 bits
}

}  // namespace

std::string_view to_string(ChainFault fault) {
  switch (fault) {
    case ChainFault::bad_signature:
      return "bad signature";
    case ChainFault::unknown_issuer:
      return "unknown issuer";
    case ChainFault::expired:
      return "expired";
    case ChainFault::not_yet_valid:
      return "not yet valid";
    case ChainFault::revoked:
      return "revoked";
    case ChainFault::crl_missing:
      return "CRL missing";
    case ChainFault::crl_expired:
      return "CRL expired";
    case ChainFault::crl_not_yet_valid:
      return "CRL not yet valid";
    case ChainFault::crl_bad_signature:
      return "CRL signature bad";
    case ChainFault::not_a_ca:
      return "not a CA";
    case ChainFault::path_too_long:
      return "path too long";
    case ChainFault::weak_algorithm:
      return "weak algorithm";
    case ChainFault::unhandled_extension:
      return "unhandled critical extension";
    case ChainFault::other:
      return "path invalid";
  }
  return "?";
}

std::expected<std::vector<Certificate>, ChainError> verify_chain(
    const Certificate& leaf, const std::vector<Certificate>& intermediates,
    const std::vector<Certificate>& roots, const std::vector<Crl>& crls, int64_t time,
    const ChainOptions& options) {
  std::unique_ptr<X509_STORE, FreeStore> store(X509_STORE_new());
  std::unique_ptr<X509_STORE_CTX, FreeStore> context(X509_STORE_CTX_new());
  std::unique_ptr<STACK_OF(X509), FreeStore> untrusted(sk_X509_new_null());
  std::unique_ptr<STACK_OF(X509_CRL), FreeStore> lists(sk_X509_CRL_new_null());
  CHECK(store && context && untrusted && lists);
  for (const Certificate& root : roots) CHECK(X509_STORE_add_cert(store.get(), root.get()) == 1);
  for (const Certificate& certificate : intermediates) {
    if (!certificate.self_issued()) CHECK(sk_X509_push(untrusted.get(), certificate.get()) > 0);
  }
  for (const Crl& crl : crls) CHECK(sk_X509_CRL_push(lists.get(), crl.get()) > 0);
  CHECK(X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), untrusted.get()) == 1);
  X509_STORE_CTX_set0_crls(context.get(), lists.get());
  set_parameters(context.get(), time, options);
  X509_STORE_CTX_set_verify_cb(context.get(), on_verify_step);
  CHECK(X509_STORE_CTX_set_app_data(context.get(), const_cast<ChainOptions*>(&options)) == 1);

  if (X509_verify_cert(context.get()) != 1) {
    const int error = X509_STORE_CTX_get_error(context.get());
    return fault(fault_of(error), X509_STORE_CTX_get_current_cert(context.get()),
                 X509_verify_cert_error_string(error));
  }
  std::vector<Certificate> chain;
  STACK_OF(X509)* path = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(path); ++i) {
    X509* certificate = sk_X509_value(path, i);
    // OpenSSL also takes old certificates without basic constraints for CAs; we do not.
    const bool root_alone = sk_X509_num(path) == 1;
    if (i > 0 && !root_alone && X509_check_ca(certificate) != 1) {
      return fault(ChainFault::not_a_ca, certificate, "an issuer without basic constraints");
    }
    const auto same = [&](const Certificate& one) { return X509_cmp(one.get(), certificate) == 0; };
    for (const std::vector<Certificate>* owners : {&roots, &intermediates}) {
      const auto owner = std::find_if(owners->begin(), owners->end(), same);
      if (owner == owners->end()) continue;
      chain.push_back(*owner);
      break;
    }
    if (chain.size() != static_cast<size_t>(i) + 1) chain.push_back(leaf);
  }
  ERR_clear_error();
  return chain;
}

}  // namespace sotto::crypto
