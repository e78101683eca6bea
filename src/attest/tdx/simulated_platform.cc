// Writing quotes and collateral: the inverse of what this folder parses.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/simulated_platform.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/tdx/verify.h"
#include "base/check.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "crypto/der.h"
#include "crypto/sha256.h"

namespace sotto::attest::tdx {
namespace {

using crypto::Certificate;
using Octets = std::vector<uint8_t>;

constexpr int64_t kDay = 86400;

Octets der(uint8_t tag, Bytes content) {
  Octets bytes = {tag};
  CHECK(content.size() < 65536);
  if (content.size() >= 256) {
    bytes.push_back(0x82);
    bytes.push_back(static_cast<uint8_t>(content.size() >> 8));
  } else if (content.size() >= 128) {
    bytes.push_back(0x81);
  }
  bytes.push_back(static_cast<uint8_t>(content.size()));
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

Octets der_number(uint8_t tag, uint32_t value) {
  Octets content;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (!content.empty() || value >> shift != 0 || shift == 0) {
      if (content.empty() && (value >> shift & 0x80) != 0) content.push_back(0);
      content.push_back(static_cast<uint8_t>(value >> shift));
    }
  }
  return der(tag, content);
}

// 1.2.840.113741.1.13.1 and the numbers behind it, all of them below 128.
Octets sgx_oid(std::initializer_list<uint8_t> numbers) {
  Octets content = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
  content.insert(content.end(), numbers);
  return der(crypto::kDerOid, content);
}

void append(Octets& to, const Octets& more) {
  to.insert(to.end(), more.begin(), more.end());
}

void append_field(Octets& to, std::initializer_list<uint8_t> numbers, const Octets& value) {
  Octets pair = sgx_oid(numbers);
  append(pair, value);
  append(to, der(crypto::kDerSequence, pair));
}

Octets pck_extension(const PckPlatform& pck) {
  Octets tcb;
  for (uint8_t i = 0; i < 16; ++i) {
    append_field(tcb, {2, static_cast<uint8_t>(i + 1)},
                 der_number(crypto::kDerInteger, pck.sgx_components[i]));
  }
  append_field(tcb, {2, 17}, der_number(crypto::kDerInteger, pck.pce_svn));
  append_field(tcb, {2, 18}, der(crypto::kDerOctetString, pck.cpu_svn));
  Octets fields;
  append_field(fields, {1}, der(crypto::kDerOctetString, pck.ppid));
  append_field(fields, {2}, der(crypto::kDerSequence, tcb));
  append_field(fields, {3}, der(crypto::kDerOctetString, pck.pce_id));
  append_field(fields, {4}, der(crypto::kDerOctetString, pck.fmspc));
  append_field(fields, {5}, der_number(crypto::kDerEnumerated, pck.sgx_type));
  if (pck.platform_instance_id) {
    append_field(fields, {6}, der(crypto::kDerOctetString, *pck.platform_instance_id));
  }
  if (pck.smt_enabled) {
    Octets configuration;
    append_field(
        configuration, {7, 3},
        der(crypto::kDerBoolean, Octets{static_cast<uint8_t>(*pck.smt_enabled ? 0xff : 0)}));
    append_field(fields, {7}, der(crypto::kDerSequence, configuration));
  }
  return der(crypto::kDerSequence, fields);
}

std::string verdict_json(const TcbLevelStatus& verdict) {
  std::string advisories;
  for (const std::string& id : verdict.advisories) {
    advisories += fmt::format("{}\"{}\"", advisories.empty() ? "" : ",", id);
  }
  return fmt::format(R"("tcbDate":"{}","tcbStatus":"{}","advisoryIDs":[{}])",
                     utc_time_text(verdict.date), to_string(verdict.status), advisories);
}

std::string components_json(const std::array<uint8_t, 16>& components) {
  std::string text;
  for (uint8_t svn : components) {
    text += fmt::format(R"({}{{"svn":{}}})", text.empty() ? "" : ",", svn);
  }
  return text;
}

std::string levels_json(const std::vector<IsvTcbLevel>& levels) {
  std::string text;
  for (const IsvTcbLevel& level : levels) {
    text += fmt::format(R"({}{{"tcb":{{"isvsvn":{}}},{}}})", text.empty() ? "" : ",", level.isv_svn,
                        verdict_json(level.verdict));
  }
  return text;
}

std::string module_json(const TdxModuleIdentity& module) {
  return fmt::format(R"("mrsigner":"{}","attributes":"{}","attributesMask":"{}")",
                     hex_of(module.mr_signer), hex_of(module.attributes),
                     hex_of(module.attributes_mask));
}

std::string info_json(const TcbInfo& info, const std::optional<std::string>& id) {
  const bool tdx = info.tee == TeeType::tdx;
  std::string text = fmt::format(
      R"({{"id":"{}","version":{},"issueDate":"{}","nextUpdate":"{}","fmspc":"{}","pceId":"{}",)"
      R"("tcbType":0,"tcbEvaluationDataNumber":{})",
      id.value_or(tdx ? "TDX" : "SGX"), info.version, utc_time_text(info.issue_date),
      utc_time_text(info.next_update), hex_of(info.fmspc), hex_of(info.pce_id),
      info.evaluation_number);
  if (info.module_0) text += fmt::format(R"(,"tdxModule":{{{}}})", module_json(*info.module_0));
  std::string modules;
  for (const TdxModuleIdentity& module : info.modules) {
    modules += fmt::format(R"({}{{"id":"{}",{},"tcbLevels":[{}]}})", modules.empty() ? "" : ",",
                           module.id, module_json(module), levels_json(module.levels));
  }
  if (tdx) text += fmt::format(R"(,"tdxModuleIdentities":[{}])", modules);
  std::string levels;
  for (const PlatformTcbLevel& level : info.levels) {
    const std::string tdx_part =
        tdx ? fmt::format(R"(,"tdxtcbcomponents":[{}])", components_json(level.tdx_components))
            : "";
    levels += fmt::format(R"({}{{"tcb":{{"sgxtcbcomponents":[{}],"pcesvn":{}{}}},{}}})",
                          levels.empty() ? "" : ",", components_json(level.sgx_components),
                          level.pce_svn, tdx_part, verdict_json(level.verdict));
  }
  return text + fmt::format(R"(,"tcbLevels":[{}]}})", levels);
}

std::string identity_json(const EnclaveIdentity& identity, uint32_t version) {
  return fmt::format(
      R"({{"id":"{}","version":{},"issueDate":"{}","nextUpdate":"{}","tcbEvaluationDataNumber":{},)"
      R"("miscselect":"{}","miscselectMask":"{}","attributes":"{}","attributesMask":"{}",)"
      R"("mrsigner":"{}","isvprodid":{},"tcbLevels":[{}]}})",
      identity.id, version, utc_time_text(identity.issue_date), utc_time_text(identity.next_update),
      identity.evaluation_number, hex_of(identity.misc_select), hex_of(identity.misc_select_mask),
      hex_of(identity.attributes), hex_of(identity.attributes_mask), hex_of(identity.mr_signer),
      identity.isv_prod_id, levels_json(identity.levels));
}

Octets sign(const crypto::KeyPair& signer, Bytes message) {
  return signer.sign(crypto::SignatureScheme::ecdsa_raw, crypto::HashAlgorithm::sha256, message);
}

Octets signed_json(std::string_view member, const std::string& section,
                   const crypto::KeyPair& signer) {
  const std::string text = fmt::format(R"({{"{}":{},"signature":"{}"}})", member, section,
                                       hex_of(sign(signer, as_bytes(section))));
  return {text.begin(), text.end()};
}

Octets enclave_report_bytes(const EnclaveReport& report) {
  ByteWriter writer;
  writer.append(report.cpu_svn);
  writer.append(report.misc_select);
  writer.append(Octets(12));
  writer.append(report.isv_ext_prod_id);
  writer.append(report.attributes);
  writer.append(report.mr_enclave);
  writer.append(Octets(32));
  writer.append(report.mr_signer);
  writer.append(Octets(32));
  writer.append(report.config_id);
  writer.write(report.isv_prod_id);
  writer.write(report.isv_svn);
  writer.write(report.config_svn);
  writer.append(Octets(42));
  writer.append(report.isv_family_id);
  writer.append(report.report_data);
  CHECK(writer.size() == kEnclaveReportBytes);
  return writer.release();
}

Octets td_report_bytes(const TdReport& report) {
  ByteWriter writer;
  for (const Bytes field :
       {Bytes(report.tee_tcb_svn), Bytes(report.mr_seam), Bytes(report.mr_signer_seam),
        Bytes(report.seam_attributes), Bytes(report.td_attributes), Bytes(report.xfam),
        Bytes(report.mr_td), Bytes(report.mr_config_id), Bytes(report.mr_owner),
        Bytes(report.mr_owner_config), Bytes(report.rtmr[0]), Bytes(report.rtmr[1]),
        Bytes(report.rtmr[2]), Bytes(report.rtmr[3]), Bytes(report.report_data)}) {
    writer.append(field);
  }
  if (report.tee_tcb_svn2) {
    writer.append(*report.tee_tcb_svn2);
    writer.append(report.mr_service_td);
  }
  return writer.release();
}

// Everything that the quote's signature covers.
Octets signed_part(const SimulatedPlatform& platform) {
  const bool tdx = platform.info.tee == TeeType::tdx;
  ByteWriter writer;
  writer.write(platform.quote_version);
  writer.write(uint16_t{2});
  writer.write(uint32_t{tdx ? 0x81u : 0u});
  writer.write(uint32_t{0});
  writer.append(platform.qe_vendor_id);
  writer.append(Octets(20));
  const Octets body = tdx ? td_report_bytes(platform.td) : enclave_report_bytes(platform.enclave);
  if (platform.quote_version == 5) {
    writer.write(static_cast<uint16_t>(!tdx ? 1 : platform.td.tee_tcb_svn2 ? 3 : 2));
    writer.write(static_cast<uint32_t>(body.size()));
  }
  writer.append(body);
  return writer.release();
}

Octets quote_bytes(const SimulatedPlatform& platform, const std::string& pck_chain) {
  const Octets point = platform.attestation_key.public_key().ec_point();
  Field<64> key;
  std::copy(point.begin(), point.end(), key.begin());
  if (platform.attestation_key_bytes) key = *platform.attestation_key_bytes;
  EnclaveReport qe = platform.qe;
  crypto::Sha256 hash;
  hash.update(key);
  hash.update(platform.qe_authentication_data);
  const crypto::Sha256Digest digest = hash.finish();
  if (qe.report_data == Field<64>{}) {
    std::copy(digest.begin(), digest.end(), qe.report_data.begin());
  }
  const Octets qe_report = enclave_report_bytes(qe);

  ByteWriter certification;
  certification.append(qe_report);
  certification.append(sign(platform.qe_report_signer.value_or(platform.pck_key), qe_report));
  certification.write(static_cast<uint16_t>(platform.qe_authentication_data.size()));
  certification.append(platform.qe_authentication_data);
  certification.write(uint16_t{5});
  certification.write(static_cast<uint32_t>(pck_chain.size()));
  certification.append(pck_chain);

  const Octets body = signed_part(platform);
  ByteWriter signature;
  signature.append(sign(platform.quote_signer.value_or(platform.attestation_key), body));
  signature.append(key);
  if (platform.quote_version > 3) {
    signature.write(uint16_t{6});
    signature.write(static_cast<uint32_t>(certification.size()));
  }
  signature.append(certification.bytes());

  ByteWriter quote;
  quote.append(body);
  quote.write(static_cast<uint32_t>(signature.size()));
  quote.append(signature.bytes());
  return quote.release();
}

template <size_t kBytes>
Field<kBytes> filled(uint8_t value) {
  Field<kBytes> field;
  field.fill(value);
  return field;
}

crypto::CertificateSpec certificate_spec(std::string name, uint64_t serial, bool is_ca,
                                         uint32_t usage, int64_t time) {
  crypto::CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.serial = serial;
  spec.not_before = time - 365 * kDay;
  spec.not_after = time + 365 * kDay;
  spec.is_ca = is_ca;
  spec.key_usage = usage;
  return spec;
}

void fill_collateral(SimulatedPlatform& platform, TeeType tee) {
  const int64_t date = platform.time - 100 * kDay;
  TcbInfo& info = platform.info;
  info.tee = tee;
  info.version = 3;
  info.issue_date = platform.time - 5 * kDay;
  info.next_update = platform.time + 25 * kDay;
  info.fmspc = platform.pck.fmspc;
  info.pce_id = platform.pck.pce_id;
  info.evaluation_number = 17;
  PlatformTcbLevel newest{filled<16>(5), 11, {}, {TcbStatus::up_to_date, date, {}}};
  PlatformTcbLevel older{
      filled<16>(3), 11, {}, {TcbStatus::out_of_date, date - 300 * kDay, {"INTEL-SA-00001"}}};
  PlatformTcbLevel oldest{filled<16>(1), 5, {}, {TcbStatus::revoked, date - 600 * kDay, {}}};
  if (tee == TeeType::tdx) {
    newest.tdx_components = {4, 0, 6};
    older.tdx_components = {2, 0, 5};
    info.module_0.emplace();
    info.module_0->attributes_mask = filled<8>(0xff);
    TdxModuleIdentity module = *info.module_0;
    module.id = "TDX_01";
    module.levels = {{4, {TcbStatus::up_to_date, date, {}}},
                     {2, {TcbStatus::out_of_date, date - 300 * kDay, {"INTEL-SA-00002"}}},
                     {1, {TcbStatus::revoked, date - 600 * kDay, {}}}};
    info.modules = {module};
  }
  info.levels = {newest, older, oldest};

  EnclaveIdentity& identity = platform.identity;
  identity.id = tee == TeeType::tdx ? "TD_QE" : "QE";
  identity.issue_date = info.issue_date;
  identity.next_update = info.next_update;
  identity.evaluation_number = 17;
  identity.misc_select_mask = filled<4>(0xff);
  identity.attributes[0] = 0x11;
  identity.attributes_mask = filled<16>(0xff);
  identity.mr_signer = filled<32>(0xa5);
  identity.isv_prod_id = tee == TeeType::tdx ? 2 : 1;
  identity.levels = {{6, {TcbStatus::up_to_date, date, {}}},
                     {4, {TcbStatus::out_of_date, date - 300 * kDay, {"INTEL-SA-00003"}}},
                     {2, {TcbStatus::revoked, date - 600 * kDay, {}}}};
}

}  // namespace

SimulatedPlatform::SimulatedPlatform(TeeType tee, uint16_t version, int64_t made_at)
    : time(made_at),
      root_spec(certificate_spec("Sotto Test Root CA", 1, true,
                                 crypto::kUsageCertSign | crypto::kUsageCrlSign, made_at)),
      ca_spec(certificate_spec("Intel SGX PCK Platform CA", 2, true,
                               crypto::kUsageCertSign | crypto::kUsageCrlSign, made_at)),
      pck_spec(certificate_spec("Intel SGX PCK Certificate", 3, false,
                                crypto::kUsageDigitalSignature, made_at)),
      tcb_spec(certificate_spec("Intel SGX TCB Signing", 4, false, crypto::kUsageDigitalSignature,
                                made_at)),
      quote_version(version) {
  root_spec.path_length = 1;
  ca_spec.path_length = 0;
  root_crl.this_update = pck_crl.this_update = time - 5 * kDay;
  root_crl.next_update = pck_crl.next_update = time + 25 * kDay;
  pck.ppid = filled<16>(0x77);
  pck.sgx_components = filled<16>(5);
  pck.pce_svn = 11;
  pck.cpu_svn = filled<16>(5);
  pck.fmspc = {0x00, 0x80, 0x6f, 0x05, 0x00, 0x00};
  pck.platform_instance_id = filled<16>(0x33);
  pck.smt_enabled = true;
  fill_collateral(*this, tee);
  const Octets vendor = bytes_of_hex("939a7233f79c4ca9940a0db3957f0607").value();
  std::copy(vendor.begin(), vendor.end(), qe_vendor_id.begin());
  td.tee_tcb_svn = {4, 1, 6};
  td.td_attributes[3] = 0x10;  // SEPT_VE_DISABLE
  td.mr_td = filled<48>(0x4d);
  td.rtmr[2] = filled<48>(0x52);
  td.report_data = filled<64>(0xd7);
  if (version == 5 && tee == TeeType::tdx) td.tee_tcb_svn2 = td.tee_tcb_svn;
  enclave.mr_enclave = filled<32>(0xe1);
  enclave.mr_signer = filled<32>(0x51);
  enclave.report_data = filled<64>(0xd7);
  qe.attributes[0] = 0x11;
  qe.mr_signer = identity.mr_signer;
  qe.isv_prod_id = identity.isv_prod_id;
  qe.isv_svn = 6;
  qe_authentication_data = Octets(32, 0x20);
}

SimulatedPlatform::Made SimulatedPlatform::make() const {
  const Certificate root =
      given_root ? *given_root
                 : crypto::issue_certificate(root_spec, root_key.public_key(), nullptr, root_key);
  const Certificate ca = crypto::issue_certificate(ca_spec, ca_key.public_key(), &root, root_key);
  crypto::CertificateSpec leaf = pck_spec;
  if (pck_has_extension) {
    leaf.extensions.push_back({"1.2.840.113741.1.13.1", pck_extension(pck)});
  }
  const Certificate pck_certificate =
      crypto::issue_certificate(leaf, pck_key.public_key(), &ca, ca_key);
  const Certificate signer =
      crypto::issue_certificate(tcb_spec, tcb_key.public_key(), &root, root_key);

  Made made;
  made.quote = quote_bytes(*this, crypto::pem_of({pck_certificate, ca, root}));
  const auto add = [&](std::string_view name, const auto& bytes) {
    CHECK(made.collateral.add(std::string(name), Octets(bytes.begin(), bytes.end())));
  };
  const crypto::KeyPair& json_key = info_signer ? *info_signer : tcb_key;
  add(kTcbInfo, signed_json("tcbInfo", info_json(info, info_id), json_key));
  add(kQeIdentity,
      signed_json("enclaveIdentity", identity_json(identity, identity_version), json_key));
  add(kTcbSigningChain, crypto::pem_of({signer, root}));
  add(kPckCrlIssuerChain, crypto::pem_of({ca, root}));
  add(kPckCrl, crypto::issue_crl(pck_crl, ca, ca_key));
  add(kRootCaCrl, crypto::issue_crl(root_crl, root, root_key));
  made.roots.replace(Vendor::intel_sgx, {root});
  return made;
}

}  // namespace sotto::attest::tdx
