// ESAPI calls; what it allocates is freed by guards.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/collect.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <algorithm>

#include "attest/event_log/algorithms.h"

namespace sotto::attest::tpm {
namespace {

constexpr int kQuoteAttempts = 3;
constexpr uint16_t kNvChunkBytes = 512;

// Memory that ESAPI allocated.
struct EsysFree {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <class T>
using Owned = std::unique_ptr<T, EsysFree>;

Result<void> check(TSS2_RC code, std::string_view what) {
  if (code == TSS2_RC_SUCCESS) return {};
  return fail(ErrorKind::unavailable, "the TPM cannot {}: {} ({:#x})", what, Tss2_RC_Decode(code),
              code);
}

TPML_PCR_SELECTION to_list(const PcrSelection& selection) {
  TPML_PCR_SELECTION list{};
  list.count = 1;
  TPMS_PCR_SELECTION& one = list.pcrSelections[0];
  one.hash = selection.algorithm;
  one.sizeofSelect = 3;
  for (size_t i = 0; i < 3; ++i) one.pcrSelect[i] = static_cast<uint8_t>(selection.pcrs >> (8 * i));
  return list;
}

TPM2B_PUBLIC template_of(KeyKind kind) {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                          TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                          TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  if (kind == KeyKind::rsa2048) {
    area.type = TPM2_ALG_RSA;
    TPMS_RSA_PARMS& rsa = area.parameters.rsaDetail;
    rsa.symmetric.algorithm = TPM2_ALG_NULL;
    rsa.scheme.scheme = TPM2_ALG_RSASSA;
    rsa.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    rsa.keyBits = 2048;
  } else {
    area.type = TPM2_ALG_ECC;
    TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
    ecc.symmetric.algorithm = TPM2_ALG_NULL;
    ecc.scheme.scheme = TPM2_ALG_ECDSA;
    ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    ecc.curveID = TPM2_ECC_NIST_P256;
    ecc.kdf.scheme = TPM2_ALG_NULL;
  }
  return key;
}

Result<std::vector<uint8_t>> marshal(const TPMT_PUBLIC& area) {
  std::vector<uint8_t> bytes(sizeof(TPMT_PUBLIC));
  size_t size = 0;
  TRY(check(Tss2_MU_TPMT_PUBLIC_Marshal(&area, bytes.data(), bytes.size(), &size),
            "write its key down"));
  bytes.resize(size);
  return bytes;
}

Result<std::vector<uint8_t>> marshal(const TPMT_SIGNATURE& signature) {
  std::vector<uint8_t> bytes(sizeof(TPMT_SIGNATURE));
  size_t size = 0;
  TRY(check(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, bytes.data(), bytes.size(), &size),
            "write its signature down"));
  bytes.resize(size);
  return bytes;
}

bool has_scheme(const TPMT_PUBLIC& area) {
  return area.type == TPM2_ALG_RSA ? area.parameters.rsaDetail.scheme.scheme != TPM2_ALG_NULL
                                   : area.parameters.eccDetail.scheme.scheme != TPM2_ALG_NULL;
}

}  // namespace

struct Tpm::State {
  TSS2_TCTI_CONTEXT* tcti = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  ESYS_TR key = ESYS_TR_NONE;
  bool key_is_transient = false;
  bool key_has_scheme = true;

  void drop_key() {
    if (key == ESYS_TR_NONE) return;
    if (key_is_transient) {
      Esys_FlushContext(esys, key);
    } else {
      Esys_TR_Close(esys, &key);
    }
    key = ESYS_TR_NONE;
  }

  ~State() {
    if (esys != nullptr) {
      drop_key();
      Esys_Finalize(&esys);
    }
    Tss2_TctiLdr_Finalize(&tcti);
  }
};

Tpm::Tpm(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tpm::~Tpm() = default;

Result<std::unique_ptr<Tpm>> Tpm::open(const std::string& tcti) {
  auto state = std::make_unique<State>();
  TRY(check(Tss2_TctiLdr_Initialize(tcti.c_str(), &state->tcti), "be reached"));
  TRY(check(Esys_Initialize(&state->esys, state->tcti, nullptr), "be used"));
  return std::unique_ptr<Tpm>(new Tpm(std::move(state)));
}

Result<std::vector<uint8_t>> Tpm::create_primary(const void* wanted) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION creation{};
  TPM2B_PUBLIC* made = nullptr;
  state_->drop_key();
  const TSS2_RC code =
      Esys_CreatePrimary(state_->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                         ESYS_TR_NONE, &sensitive, static_cast<const TPM2B_PUBLIC*>(wanted),
                         &outside, &creation, &state_->key, &made, nullptr, nullptr, nullptr);
  const Owned<TPM2B_PUBLIC> owned(made);
  TRY(check(code, "make an attestation key"));
  state_->key_is_transient = true;
  state_->key_has_scheme = has_scheme(owned->publicArea);
  return marshal(owned->publicArea);
}

Result<std::vector<uint8_t>> Tpm::make_key(KeyKind kind) {
  const TPM2B_PUBLIC wanted = template_of(kind);
  return create_primary(&wanted);
}

Result<std::vector<uint8_t>> Tpm::make_key(Bytes key_template) {
  TPM2B_PUBLIC wanted{};
  size_t used = 0;
  const TSS2_RC code = Tss2_MU_TPMT_PUBLIC_Unmarshal(key_template.data(), key_template.size(),
                                                     &used, &wanted.publicArea);
  if (code != TSS2_RC_SUCCESS) {
    return fail(ErrorKind::malformed, "a template of {} bytes is no public area: {}",
                key_template.size(), Tss2_RC_Decode(code));
  }
  return create_primary(&wanted);
}

Result<std::vector<uint8_t>> Tpm::load_key(uint32_t handle) {
  state_->drop_key();
  TRY(check(Esys_TR_FromTPMPublic(state_->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                  &state_->key),
            "load its attestation key"));
  state_->key_is_transient = false;
  TPM2B_PUBLIC* found = nullptr;
  const TSS2_RC code = Esys_ReadPublic(state_->esys, state_->key, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &found, nullptr, nullptr);
  const Owned<TPM2B_PUBLIC> owned(found);
  TRY(check(code, "read its attestation key"));
  state_->key_has_scheme = has_scheme(owned->publicArea);
  return marshal(owned->publicArea);
}

Result<PcrValues> Tpm::read_pcrs(const PcrSelection& selection) {
  PcrValues values;
  PcrSelection left = selection;
  while (left.pcrs != 0) {  // a TPM answers with eight registers at most
    const TPML_PCR_SELECTION asked = to_list(left);
    TPML_PCR_SELECTION* answered = nullptr;
    TPML_DIGEST* digests = nullptr;
    const TSS2_RC code = Esys_PCR_Read(state_->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       &asked, nullptr, &answered, &digests);
    const Owned<TPML_PCR_SELECTION> owned_selection(answered);
    const Owned<TPML_DIGEST> owned_digests(digests);
    TRY(check(code, "read its PCRs"));
    uint32_t next = 0;
    for (uint32_t pcr = 0; pcr < kPcrCount && answered->count == 1; ++pcr) {
      const TPMS_PCR_SELECTION& one = answered->pcrSelections[0];
      if (pcr / 8 >= one.sizeofSelect || (one.pcrSelect[pcr / 8] >> (pcr % 8) & 1) == 0) continue;
      if ((left.pcrs >> pcr & 1) == 0 || next == digests->count) break;
      const TPM2B_DIGEST& digest = digests->digests[next++];
      values[pcr] = {digest.buffer, digest.buffer + digest.size};
      left.pcrs &= ~(1u << pcr);
    }
    if (next == 0) {
      return fail(ErrorKind::unavailable, "the TPM has no PCRs {:#08x} of {}", left.pcrs,
                  event_log::algorithm_name(selection.algorithm));
    }
  }
  return values;
}

Result<Quote> Tpm::quote(Bytes qualifying, const PcrSelection& selection) {
  if (state_->key == ESYS_TR_NONE) {
    return fail(ErrorKind::unavailable, "no attestation key was made or loaded");
  }
  TPM2B_DATA data{};
  if (qualifying.size() > kQualifyingBytesMax) {
    return fail(ErrorKind::exhausted, "qualifying data of {} bytes, more than {}",
                qualifying.size(), kQualifyingBytesMax);
  }
  data.size = static_cast<uint16_t>(qualifying.size());
  std::ranges::copy(qualifying, data.buffer);
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = state_->key_has_scheme ? TPM2_ALG_NULL : TPM2_ALG_RSASSA;
  if (!state_->key_has_scheme) scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  const TPML_PCR_SELECTION pcrs = to_list(selection);
  for (int attempt = 0; attempt < kQuoteAttempts; ++attempt) {
    TPM2B_ATTEST* attest = nullptr;
    TPMT_SIGNATURE* signature = nullptr;
    const TSS2_RC code = Esys_Quote(state_->esys, state_->key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &data, &scheme, &pcrs, &attest, &signature);
    const Owned<TPM2B_ATTEST> owned_attest(attest);
    const Owned<TPMT_SIGNATURE> owned_signature(signature);
    TRY(check(code, "quote its PCRs"));
    Quote quote;
    quote.attest.assign(attest->attestationData, attest->attestationData + attest->size);
    quote.signature = TRY(marshal(*signature));
    quote.pcrs[selection.algorithm] = TRY(read_pcrs(selection));
    const QuoteUnverified parsed = TRY(parse_quote(quote.attest));
    // The digest is of the signature's hash; a key without one was told SHA-256.
    const uint16_t hash = signature->signature.any.hashAlg;
    const std::vector<uint8_t> digest = TRY(pcr_digest(parsed.selections, quote.pcrs, hash));
    if (std::ranges::equal(digest, parsed.pcr_digest)) return quote;
  }
  return fail(ErrorKind::unavailable, "the TPM's PCRs changed while they were quoted, {} times",
              kQuoteAttempts);
}

Result<void> Tpm::extend(uint32_t pcr, uint16_t algorithm, Bytes digest) {
  if (pcr >= kPcrCount || digest.size() != TRY(event_log::hash_bytes(algorithm))) {
    return fail(ErrorKind::malformed, "PCR {} with a digest of {} bytes", pcr, digest.size());
  }
  TPML_DIGEST_VALUES values{};
  values.count = 1;
  values.digests[0].hashAlg = algorithm;
  std::ranges::copy(digest, reinterpret_cast<uint8_t*>(&values.digests[0].digest));
  return check(Esys_PCR_Extend(state_->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                               ESYS_TR_NONE, &values),
               "extend a PCR");
}

Result<bool> Tpm::has(uint32_t handle) {
  TPMI_YES_NO more = 0;
  TPMS_CAPABILITY_DATA* data = nullptr;
  // The first handle from this one on.
  const TSS2_RC code = Esys_GetCapability(state_->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                          TPM2_CAP_HANDLES, handle, 1, &more, &data);
  const Owned<TPMS_CAPABILITY_DATA> owned(data);
  TRY(check(code, "list its handles"));
  const TPML_HANDLE& handles = data->data.handles;
  return handles.count == 1 && handles.handle[0] == handle;
}

Result<std::vector<uint8_t>> Tpm::read_nv(uint32_t index) {
  ESYS_TR handle = ESYS_TR_NONE;
  TRY(check(
      Esys_TR_FromTPMPublic(state_->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle),
      "find that NV index"));
  TPM2B_NV_PUBLIC* described = nullptr;
  TSS2_RC code = Esys_NV_ReadPublic(state_->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                    &described, nullptr);
  const Owned<TPM2B_NV_PUBLIC> owned(described);
  std::vector<uint8_t> bytes;
  const size_t size = code == TSS2_RC_SUCCESS ? described->nvPublic.dataSize : 0;
  while (code == TSS2_RC_SUCCESS && bytes.size() < size) {
    const auto count = static_cast<uint16_t>(std::min<size_t>(size - bytes.size(), kNvChunkBytes));
    TPM2B_MAX_NV_BUFFER* chunk = nullptr;
    code = Esys_NV_Read(state_->esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                        ESYS_TR_NONE, count, static_cast<uint16_t>(bytes.size()), &chunk);
    const Owned<TPM2B_MAX_NV_BUFFER> owned_chunk(chunk);
    if (code == TSS2_RC_SUCCESS && chunk->size != count) code = TSS2_ESYS_RC_MALFORMED_RESPONSE;
    if (code == TSS2_RC_SUCCESS) {
      bytes.insert(bytes.end(), chunk->buffer, chunk->buffer + chunk->size);
    }
  }
  Esys_TR_Close(state_->esys, &handle);
  TRY(check(code, "read that NV index"));
  return bytes;
}

Result<void> Tpm::write_nv(uint32_t index, Bytes bytes) {
  ESYS_TR handle = ESYS_TR_NONE;
  TRY(check(
      Esys_TR_FromTPMPublic(state_->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle),
      "find that NV index"));
  TSS2_RC code = TSS2_RC_SUCCESS;
  for (size_t at = 0; at < bytes.size() && code == TSS2_RC_SUCCESS; at += kNvChunkBytes) {
    const Bytes part = bytes.subspan(at, std::min<size_t>(bytes.size() - at, kNvChunkBytes));
    TPM2B_MAX_NV_BUFFER chunk{};
    chunk.size = static_cast<uint16_t>(part.size());
    std::ranges::copy(part, chunk.buffer);
    code = Esys_NV_Write(state_->esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                         ESYS_TR_NONE, &chunk, static_cast<uint16_t>(at));
  }
  Esys_TR_Close(state_->esys, &handle);
  return check(code, "write that NV index");
}

}  // namespace sotto::attest::tpm
