// XML from outsiders, without entities, network or surprises, and its enveloped signature [XMLDSIG].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

// libxml2's own forward declarations, so that its headers stay in this file's .cc.
typedef struct _xmlDoc xmlDoc;    // NOLINT(modernize-use-using, bugprone-reserved-identifier)
typedef struct _xmlNode xmlNode;  // NOLINT(modernize-use-using, bugprone-reserved-identifier)

namespace sotto::attest::nvidia {

inline constexpr uint64_t kXmlBytesMax = 256 << 10;
inline constexpr std::string_view kXmldsigNamespace = "http://www.w3.org/2000/09/xmldsig#";

// A node of a document that must outlive it. Elements only; text between them is passed over.
class XmlElement {
 public:
  explicit XmlElement(xmlNode* node) : node_(node) {}

  bool is(std::string_view name_space, std::string_view name) const;
  std::vector<XmlElement> children() const;
  // Those with this name; `malformed` unless there is exactly one.
  Result<XmlElement> only_child(std::string_view name_space, std::string_view name) const;
  // By local name, in the namespace or, where that is empty, in none. `malformed` when missing.
  Result<std::string> attribute(std::string_view name_space, std::string_view name) const;
  // All attributes of one namespace, by local name.
  std::map<std::string, std::string> attributes(std::string_view name_space) const;
  std::string text() const;  // of all descendants, without spaces and line ends

  xmlNode* get() const { return node_; }

 private:
  xmlNode* node_;
};

// Move-only; one thread at a time.
class XmlDocument {
 public:
  // `malformed` for what is not well formed, has a document type, a processing instruction or more
  // than kXmlBytesMax bytes.
  static Result<XmlDocument> parse(Bytes bytes);

  XmlElement root() const;

  // The certificates of the signature's key, as they stand there: nothing about them is checked yet.
  Result<std::vector<std::vector<uint8_t>>> signer_certificates() const;

  // Checks the one signature, a child of the root over the whole document but itself: ECDSA on P-384
  // with SHA-384, canonical XML 1.1 and no other transform. `spki` is the key, a DER
  // SubjectPublicKeyInfo; a key in the document is not looked at. `untrusted` when it is not so.
  Result<void> verify_enveloped_signature(Bytes spki) const;

 private:
  struct Free {
    void operator()(xmlDoc* document) const;
  };
  explicit XmlDocument(xmlDoc* document) : document_(document) {}

  Result<XmlElement> signature() const;

  std::unique_ptr<xmlDoc, Free> document_;
};

}  // namespace sotto::attest::nvidia
