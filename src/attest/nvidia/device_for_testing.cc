// Making reports, chains and signed manifests for tests.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/device_for_testing.h"

#include <algorithm>

#include "attest/nvidia/verify.h"
#include "base/check.h"
#include "base/text_encoding.h"
#include "crypto/der.h"
#include "crypto/hash.h"

namespace sotto::attest::nvidia {
namespace {

using crypto::Certificate;
using crypto::CertificateSpec;
using crypto::HashAlgorithm;
using crypto::SignatureScheme;

constexpr int64_t kYear = 31'536'000;
constexpr std::string_view kSwid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::string_view kSha384Namespace = "http://www.w3.org/2001/04/xmlenc#sha384";
constexpr std::string_view kXmldsig = "http://www.w3.org/2000/09/xmldsig#";
// SEQUENCE { id-ecPublicKey } stands for a key that nobody reads.
const std::vector<uint8_t> kSomeKey = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
const std::vector<uint8_t> kSha384Oid = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};

CertificateSpec spec(std::string name, uint64_t serial, bool is_ca) {
  CertificateSpec made;
  made.common_name = std::move(name);
  made.serial = serial;
  made.not_before = DeviceForTesting::kTime - kYear;
  made.not_after = DeviceForTesting::kTime + kYear;
  made.is_ca = is_ca;
  made.key_usage =
      is_ca ? crypto::kUsageCertSign | crypto::kUsageCrlSign : crypto::kUsageDigitalSignature;
  made.hash = HashAlgorithm::sha384;
  return made;
}

std::vector<uint8_t> der(uint8_t tag, const std::vector<uint8_t>& content) {
  CHECK(content.size() < 256);
  std::vector<uint8_t> bytes{tag};
  if (content.size() >= 128) bytes.push_back(0x81);
  bytes.push_back(static_cast<uint8_t>(content.size()));
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

std::vector<uint8_t> join(std::initializer_list<std::vector<uint8_t>> parts) {
  std::vector<uint8_t> all;
  for (const std::vector<uint8_t>& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<uint8_t> fwid_der(const std::vector<uint8_t>& digest) {
  return der(crypto::kDerSequence,
             join({der(crypto::kDerOid, kSha384Oid), der(crypto::kDerOctetString, digest)}));
}

std::string element(std::string_view name, std::string_view algorithm) {
  return fmt::format("<ds:{0} Algorithm=\"{1}\"></ds:{0}>", name, algorithm);
}

// The content of SignedInfo; already canonical.
std::string signed_info(const std::string& digest) {
  return element("CanonicalizationMethod", "http://www.w3.org/2006/12/xml-c14n11") +
         element("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384") +
         "<ds:Reference URI=\"\"><ds:Transforms>" +
         element("Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature") +
         element("Transform", "http://www.w3.org/2006/12/xml-c14n11") + "</ds:Transforms>" +
         element("DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#sha384") +
         "<ds:DigestValue>" + digest + "</ds:DigestValue></ds:Reference>";
}

std::string rows_of(const RimForTesting& rim) {
  std::string xml;
  for (const RimRowForTesting& row : rim.rows) {
    xml += fmt::format(
        "<Resource active=\"{}\" alternatives=\"{}\" index=\"{}\" size=\"{}\" type=\"Measurement\"",
        row.active, row.alternatives, row.index, row.size);
    for (size_t i = 0; i < row.hashes.size(); ++i) {
      xml += fmt::format(" ns2:Hash{}=\"{}\"", i, row.hashes[i]);
    }
    xml += "></Resource>";
  }
  return xml;
}

}  // namespace

std::vector<uint8_t> text_field(std::string_view text) {
  std::vector<uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0);
  return bytes;
}

DeviceForTesting::DeviceForTesting()
    : root_spec(spec("Test Device Root", 1, true)),
      ca_spec(spec("GH100 A01 GSP BROM", 2, true)),
      device_spec(spec("GH100 A01 GSP FMC LF", 3, false)),
      rim_root_spec(spec("Test RIM Root", 1, true)),
      rim_spec(spec("Test RIM Signer", 4, false)),
      certified_fwid(48, 0x5a) {
  nonce.fill(0x11);
  for (uint8_t i = 0; i < 40; ++i) measurements.emplace_back(48, i);
  opaque = {{static_cast<uint16_t>(OpaqueField::vbios_version), {0, 0x5e, 0, 0x96, 1, 0, 0, 0}},
            {static_cast<uint16_t>(OpaqueField::chip_sku), text_field("882")},
            {static_cast<uint16_t>(OpaqueField::project), text_field("1010")},
            {static_cast<uint16_t>(OpaqueField::project_sku), text_field("0200")},
            {static_cast<uint16_t>(OpaqueField::driver_version), text_field("580.1.2")},
            {static_cast<uint16_t>(OpaqueField::nvdec0_status), {kStatusOn}},
            {static_cast<uint16_t>(OpaqueField::fwid), certified_fwid},
            {static_cast<uint16_t>(OpaqueField::protected_pcie_status), {kStatusOff}},
            {static_cast<uint16_t>(OpaqueField::feature_flag), {0, 0}}};
  const auto row = [](uint8_t index, bool active) {
    return RimRowForTesting{std::to_string(index),
                            active ? "True" : "False",
                            "1",
                            {hex_of(std::vector<uint8_t>(48, index))}};
  };
  driver_rim.version = "580.1.2";
  driver_rim.rows = {row(1, true), row(2, false), row(35, true)};
  vbios_rim.version = "96.00.5e.00.01";
  vbios_rim.rows = {row(1, false), row(2, true), row(3, true)};
  vbios_rim.rows[2].hashes.insert(vbios_rim.rows[2].hashes.begin(), std::string(96, 'f'));
  vbios_rim.rows[2].alternatives = "2";
}

void DeviceForTesting::drop_opaque(OpaqueField field) {
  std::erase_if(opaque,
                [&](const auto& entry) { return entry.first == static_cast<uint16_t>(field); });
}

void DeviceForTesting::set_opaque(OpaqueField field, std::vector<uint8_t> value) {
  drop_opaque(field);
  opaque.emplace_back(static_cast<uint16_t>(field), std::move(value));
}

std::string DeviceForTesting::make_rim(const RimForTesting& rim) const {
  const Certificate root =
      crypto::issue_certificate(rim_root_spec, rim_root_key.public_key(), nullptr, rim_root_key);
  const Certificate signer =
      crypto::issue_certificate(rim_spec, rim_key.public_key(), &root, rim_root_key);
  const std::string head = fmt::format(
      "<SoftwareIdentity xmlns=\"{}\" xmlns:ns2=\"{}\"><Meta colloquialVersion=\"{}\" "
      "edition=\"{}\" product=\"{}\"></Meta><Payload>{}</Payload>",
      kSwid, kSha384Namespace, rim.version, rim.edition, rim.product, rows_of(rim));
  const std::string tail = "</SoftwareIdentity>";
  const std::string digest = base64_of(crypto::sha384(as_bytes(head + tail)), Base64::standard);
  std::string info = signed_info(digest);
  if (rim.edit_signed_info) info = rim.edit_signed_info(info);
  const std::string canonical =
      fmt::format("<ds:SignedInfo xmlns=\"{}\" xmlns:ds=\"{}\" xmlns:ns2=\"{}\">{}</ds:SignedInfo>",
                  kSwid, kXmldsig, kSha384Namespace, info);
  const std::vector<uint8_t> signature = rim.signer.value_or(rim_key).sign(
      SignatureScheme::ecdsa_raw, HashAlgorithm::sha384, as_bytes(canonical));
  std::string xml = head +
                    fmt::format(
                        "<ds:Signature xmlns:ds=\"{}\"><ds:SignedInfo>{}</ds:SignedInfo>"
                        "<ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo>"
                        "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>"
                        "</ds:X509Data></ds:KeyInfo></ds:Signature>",
                        kXmldsig, info, base64_of(signature, Base64::standard),
                        base64_of(signer.der(), Base64::standard)) +
                    tail;
  if (rim.edit) xml = rim.edit(xml);
  return xml;
}

DeviceForTesting::Made DeviceForTesting::make() const {
  const Certificate root =
      crypto::issue_certificate(root_spec, root_key.public_key(), nullptr, root_key);
  const Certificate ca = crypto::issue_certificate(ca_spec, ca_key.public_key(), &root, root_key);
  CertificateSpec leaf_spec = device_spec;
  if (composite_extension) {
    leaf_spec.extensions.push_back(
        {"2.23.133.5.4.1", der(crypto::kDerSequence, join({der(crypto::kDerInteger, {1}),
                                                           der(crypto::kDerSequence, kSomeKey),
                                                           fwid_der(certified_fwid)}))});
  }
  if (tcb_info_extension) {
    leaf_spec.extensions.push_back(
        {"2.23.133.5.4.1.1",
         der(crypto::kDerSequence,
             join({der(crypto::der_context(0, false), {'N', 'V'}),
                   der(crypto::der_context(6, true),
                       join({fwid_der(certified_fwid), fwid_der(std::vector<uint8_t>(48))}))}))});
  }
  const Certificate leaf =
      crypto::issue_certificate(leaf_spec, device_key.public_key(), &ca, ca_key);

  ByteWriter writer;
  writer.append(Bytes(std::vector<uint8_t>{0x11, 0xe0, 0x01, 0xff}));
  writer.append(nonce);
  writer.write<uint8_t>(0);
  ByteWriter record;
  for (size_t i = 0; i < measurements.size(); ++i) {
    const auto bytes = static_cast<uint16_t>(measurements[i].size());
    record.write(static_cast<uint8_t>(i + 1));
    record.write<uint8_t>(1);
    record.write(static_cast<uint16_t>(bytes + 3));
    record.write<uint8_t>(1);
    record.write(bytes);
    record.append(Bytes(measurements[i]));
  }
  writer.append(Bytes(std::vector<uint8_t>{0x11, 0x60, 0x00, 0x00}));
  writer.write(static_cast<uint8_t>(measurements.size()));
  writer.write(static_cast<uint16_t>(record.size()));
  writer.write<uint8_t>(0);
  writer.append(Bytes(record.bytes()));
  writer.append(Bytes(std::vector<uint8_t>(kSpdmNonceBytes, 0x22)));
  ByteWriter fields;
  for (const auto& [type, value] : opaque) {
    fields.write(type);
    fields.write(static_cast<uint16_t>(value.size()));
    fields.append(Bytes(value));
  }
  writer.write(static_cast<uint16_t>(fields.size()));
  writer.append(Bytes(fields.bytes()));
  writer.append(
      Bytes(report_signer.value_or(device_key)
                .sign(SignatureScheme::ecdsa_raw, HashAlgorithm::sha384, Bytes(writer.bytes()))));

  Made made{writer.release(), {}, {}, root, ca};
  const auto add = [&](std::string_view name, const std::string& text) {
    CHECK(made.collateral.add(std::string(name), {text.begin(), text.end()}).has_value());
  };
  add(kDeviceChain, crypto::pem_of({leaf, ca, root}));
  add(kDriverRim, make_rim(driver_rim));
  add(kVbiosRim, make_rim(vbios_rim));
  made.roots.replace(Vendor::nvidia_device, {root});
  made.roots.replace(
      Vendor::nvidia_rim,
      {crypto::issue_certificate(rim_root_spec, rim_root_key.public_key(), nullptr, rim_root_key)});
  return made;
}

}  // namespace sotto::attest::nvidia
