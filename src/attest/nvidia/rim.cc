// Verification and reading of reference integrity manifests.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/rim.h"

#include <algorithm>
#include <charconv>

#include "attest/nvidia/chain.h"
#include "attest/nvidia/spdm_report.h"
#include "attest/nvidia/xml_document.h"
#include "base/text_encoding.h"

namespace sotto::attest::nvidia {
namespace {

constexpr std::string_view kSwid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::string_view kSha384Namespace = "http://www.w3.org/2001/04/xmlenc#sha384";
constexpr size_t kNameBytesMax = 64;

Result<uint32_t> read_number(const XmlElement& element, std::string_view name, uint32_t max) {
  const std::string text = TRY(element.attribute("", name));
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > max) {
    return fail(ErrorKind::malformed, "{} is no number up to {}", name, max);
  }
  return number;
}

Result<std::string> read_name(const XmlElement& element, std::string_view name) {
  std::string text = TRY(element.attribute("", name));
  if (text.empty() || text.size() > kNameBytesMax) {
    return fail(ErrorKind::malformed, "{} has {} bytes", name, text.size());
  }
  return text;
}

// Hash0, Hash1, … of one measurement, as many as it announces, all of its size.
Result<std::vector<std::vector<uint8_t>>> read_hashes(const XmlElement& resource) {
  const uint32_t count = TRY(read_number(resource, "alternatives", kRimAlternativesMax));
  const uint32_t size = TRY(read_number(resource, "size", kMeasurementBytesMax));
  const std::map<std::string, std::string> hashes = resource.attributes(kSha384Namespace);
  if (hashes.size() != count || count == 0) {
    return fail(ErrorKind::malformed, "{} alternatives are announced and {} are there", count,
                hashes.size());
  }
  std::vector<std::vector<uint8_t>> values;
  for (uint32_t i = 0; i < count; ++i) {
    const auto found = hashes.find(fmt::format("Hash{}", i));
    if (found == hashes.end()) return fail(ErrorKind::malformed, "Hash{} is missing", i);
    values.push_back(TRY(bytes_of_hex(found->second)));
    if (values.back().size() != size) {
      return fail(ErrorKind::malformed, "Hash{} has {} bytes, not {}", i, values.back().size(),
                  size);
    }
  }
  return values;
}

Result<void> read_payload(const XmlElement& payload, Rim& rim) {
  std::map<uint32_t, bool> seen;
  for (const XmlElement& resource : payload.children()) {
    if (!resource.is(kSwid, "Resource") || TRY(resource.attribute("", "type")) != "Measurement") {
      return fail(ErrorKind::malformed, "the payload holds something other than measurements");
    }
    const uint32_t index = TRY(read_number(resource, "index", kRimMeasurementsMax - 1));
    const std::string active = TRY(resource.attribute("", "active"));
    if (active != "True" && active != "False") {
      return fail(ErrorKind::malformed, "measurement {} is neither active nor not", index);
    }
    if (!seen.emplace(index, true).second) {
      return fail(ErrorKind::malformed, "measurement {} is there twice", index);
    }
    Result<std::vector<std::vector<uint8_t>>> hashes = read_hashes(resource);
    if (!hashes) return within(fmt::format("measurement {}", index), hashes.error());
    if (active == "True") rim.allowed.emplace(index, *std::move(hashes));
  }
  if (rim.allowed.empty()) return fail(ErrorKind::malformed, "no measurement is active");
  return {};
}

Result<Rim> read(const XmlDocument& document) {
  const XmlElement root = document.root();
  if (!root.is(kSwid, "SoftwareIdentity")) {
    return fail(ErrorKind::malformed, "the XML is no SWID tag");
  }
  const XmlElement meta = TRY(root.only_child(kSwid, "Meta"));
  Rim rim;
  rim.version = TRY(read_name(meta, "colloquialVersion"));
  rim.edition = TRY(read_name(meta, "edition"));
  rim.product = TRY(read_name(meta, "product"));
  TRY(read_payload(TRY(root.only_child(kSwid, "Payload")), rim));
  return rim;
}

}  // namespace

bool Rim::is_vbios() const {
  constexpr size_t kLength = 14;  // "96.00.5E.00.01"
  if (version.size() != kLength) return false;
  for (size_t i = 0; i < kLength; ++i) {
    const char c = version[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
    if (i % 3 == 2 ? c != '.' : !digit) return false;
  }
  return true;
}

Verified<Rim> verify_rim(Bytes xml, const Anchors& anchors, const std::vector<crypto::Crl>& crls,
                         int64_t time) {
  const XmlDocument document = TRY(lift("RIM", XmlDocument::parse(xml)));
  std::vector<crypto::Certificate> chain;
  for (const std::vector<uint8_t>& der : TRY(lift("RIM", document.signer_certificates()))) {
    chain.push_back(TRY(lift("RIM signer", crypto::Certificate::from_der(der))));
  }
  const std::vector<crypto::Certificate> path =
      TRY(verify_ordered_chain("RIM signer", chain, anchors, crls, time));
  const uint32_t usage = path[0].key_usage().value_or(0);
  if (path[0].is_ca() || (usage & crypto::kUsageDigitalSignature) == 0) {
    return refuse(Reason::identity_mismatch, "RIM signer: \"{}\" may not sign documents",
                  path[0].subject());
  }
  TRY(lift("RIM", document.verify_enveloped_signature(path[0].spki())));
  Rim rim = TRY(lift("RIM", read(document)));
  rim.valid_until = valid_until(path);
  rim.signer = path[0].subject();
  return rim;
}

Result<Rim> parse_rim_unverified(Bytes xml) {
  const XmlDocument document = TRY(XmlDocument::parse(xml));
  return read(document);
}

}  // namespace sotto::attest::nvidia
