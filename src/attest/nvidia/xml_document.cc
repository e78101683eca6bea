// The only user of libxml2 and xmlsec1.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/xml_document.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

#include <algorithm>

#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest::nvidia {
namespace {

constexpr std::string_view kC14n11 = "http://www.w3.org/2006/12/xml-c14n11";
constexpr std::string_view kEcdsaSha384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
constexpr std::string_view kSha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
constexpr size_t kCertificatesMax = 8;

std::string_view view_of(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

struct FreeText {
  void operator()(xmlChar* text) const { xmlFree(text); }
};
using XmlText = std::unique_ptr<xmlChar, FreeText>;

bool in_namespace(const xmlNs* ns, std::string_view wanted) {
  return view_of(ns == nullptr ? nullptr : ns->href) == wanted;
}

void ignore_errors(const char*, int, const char*, const char*, const char*, int, const char*) {}

void ignore_xml_error(void*, xmlError*) {}
void ignore_xml_text(void*, const char*, ...) {}

// Once per process; both libraries are thread-safe after it. What they would print is set for each
// thread: nothing, since it could be anything that an outsider wrote.
void initialise() {
  static const bool done = [] {
    xmlInitParser();
    CHECK(xmlSecInit() >= 0);
    CHECK(xmlSecCryptoAppInit(nullptr) >= 0);
    CHECK(xmlSecCryptoInit() >= 0);
    xmlSecErrorsSetCallback(ignore_errors);  // last: the crypto engine sets one that prints
    return true;
  }();
  CHECK(done);
  xmlSetStructuredErrorFunc(nullptr, ignore_xml_error);
  xmlSetGenericErrorFunc(nullptr, ignore_xml_text);
}

Result<void> require_algorithm(const XmlElement& element, std::string_view wanted) {
  const std::string algorithm = TRY(element.attribute("", "Algorithm"));
  if (algorithm != wanted) {
    return fail(ErrorKind::unsupported, "the signature uses \"{}\", not \"{}\"", algorithm, wanted);
  }
  return {};
}

// What the signature covers is decided here, not by whoever wrote the document: one reference, to all
// of it, by two transforms.
Result<void> check_signature_shape(const XmlElement& signature) {
  const XmlElement info = TRY(signature.only_child(kXmldsigNamespace, "SignedInfo"));
  TRY(require_algorithm(TRY(info.only_child(kXmldsigNamespace, "CanonicalizationMethod")),
                        kC14n11));
  TRY(require_algorithm(TRY(info.only_child(kXmldsigNamespace, "SignatureMethod")), kEcdsaSha384));
  const XmlElement reference = TRY(info.only_child(kXmldsigNamespace, "Reference"));
  if (info.children().size() != 3) {
    return fail(ErrorKind::unsupported, "the signature's information has {} parts, not 3",
                info.children().size());
  }
  if (const std::string uri = TRY(reference.attribute("", "URI")); !uri.empty()) {
    return fail(ErrorKind::unsupported, "the signature covers \"{}\", not the document", uri);
  }
  TRY(require_algorithm(TRY(reference.only_child(kXmldsigNamespace, "DigestMethod")), kSha384));
  const std::vector<XmlElement> transforms =
      TRY(reference.only_child(kXmldsigNamespace, "Transforms")).children();
  if (transforms.size() != 2) {
    return fail(ErrorKind::unsupported, "the signature has {} transforms, not 2",
                transforms.size());
  }
  TRY(require_algorithm(transforms[0], kEnveloped));
  return require_algorithm(transforms[1], kC14n11);
}

struct FreeContext {
  void operator()(xmlSecDSigCtx* context) const { xmlSecDSigCtxDestroy(context); }
};

}  // namespace

bool XmlElement::is(std::string_view name_space, std::string_view name) const {
  return view_of(node_->name) == name && in_namespace(node_->ns, name_space);
}

std::vector<XmlElement> XmlElement::children() const {
  std::vector<XmlElement> elements;
  for (xmlNode* child = node_->children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) elements.emplace_back(child);
  }
  return elements;
}

Result<XmlElement> XmlElement::only_child(std::string_view name_space,
                                          std::string_view name) const {
  std::vector<XmlElement> elements = children();
  std::erase_if(elements, [&](const XmlElement& child) { return !child.is(name_space, name); });
  if (elements.size() != 1) {
    return fail(ErrorKind::malformed, "{} has {} elements {}, not 1", view_of(node_->name),
                elements.size(), name);
  }
  return elements.front();
}

std::map<std::string, std::string> XmlElement::attributes(std::string_view name_space) const {
  std::map<std::string, std::string> found;
  for (xmlAttr* attribute = node_->properties; attribute != nullptr; attribute = attribute->next) {
    if (!in_namespace(attribute->ns, name_space)) continue;
    const XmlText value(xmlNodeListGetString(node_->doc, attribute->children, 1));
    found.emplace(view_of(attribute->name), view_of(value.get()));
  }
  return found;
}

Result<std::string> XmlElement::attribute(std::string_view name_space,
                                          std::string_view name) const {
  const std::map<std::string, std::string> all = attributes(name_space);
  const auto found = all.find(std::string(name));
  if (found == all.end()) {
    return fail(ErrorKind::malformed, "{} has no attribute {}", view_of(node_->name), name);
  }
  return found->second;
}

std::string XmlElement::text() const {
  const XmlText content(xmlNodeGetContent(node_));
  std::string text(view_of(content.get()));
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return text;
}

void XmlDocument::Free::operator()(xmlDoc* document) const {
  xmlFreeDoc(document);
}

Result<XmlDocument> XmlDocument::parse(Bytes bytes) {
  initialise();
  if (bytes.size() > kXmlBytesMax) {
    return fail(ErrorKind::malformed, "XML of {} bytes, the limit is {}", bytes.size(),
                kXmlBytesMax);
  }
  // Without XML_PARSE_NOENT, DTDLOAD and HUGE: no entity is replaced, no file is read, and libxml2's
  // own bounds on depth and amplification hold.
  XmlDocument document(xmlReadMemory(reinterpret_cast<const char*>(bytes.data()),
                                     static_cast<int>(bytes.size()), nullptr, nullptr,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
  if (!document.document_) return fail(ErrorKind::malformed, "the XML is not well formed");
  const xmlDoc* raw = document.document_.get();
  if (raw->intSubset != nullptr || raw->extSubset != nullptr) {
    return fail(ErrorKind::malformed, "the XML has a document type");
  }
  for (const xmlNode* node = raw->children; node != nullptr; node = node->next) {
    if (node->type != XML_ELEMENT_NODE) {
      return fail(ErrorKind::malformed, "the XML has something beside its root element");
    }
  }
  CHECK(xmlDocGetRootElement(raw) != nullptr);
  return document;
}

XmlElement XmlDocument::root() const {
  return XmlElement(xmlDocGetRootElement(document_.get()));
}

Result<XmlElement> XmlDocument::signature() const {
  return root().only_child(kXmldsigNamespace, "Signature");
}

Result<std::vector<std::vector<uint8_t>>> XmlDocument::signer_certificates() const {
  const XmlElement key_info = TRY(TRY(signature()).only_child(kXmldsigNamespace, "KeyInfo"));
  const XmlElement data = TRY(key_info.only_child(kXmldsigNamespace, "X509Data"));
  std::vector<std::vector<uint8_t>> certificates;
  for (const XmlElement& child : data.children()) {
    if (!child.is(kXmldsigNamespace, "X509Certificate") ||
        certificates.size() == kCertificatesMax) {
      return fail(ErrorKind::malformed, "the signer's certificates are not 1 to {}",
                  kCertificatesMax);
    }
    certificates.push_back(TRY(bytes_of_base64(child.text(), Base64::standard)));
  }
  if (certificates.empty()) return fail(ErrorKind::malformed, "the signer has no certificate");
  return certificates;
}

Result<void> XmlDocument::verify_enveloped_signature(Bytes spki) const {
  initialise();
  const XmlElement element = TRY(signature());
  TRY(check_signature_shape(element));
  const std::unique_ptr<xmlSecDSigCtx, FreeContext> context(xmlSecDSigCtxCreate(nullptr));
  CHECK(context != nullptr);
  context->signKey =
      xmlSecCryptoAppKeyLoadMemory(spki.data(), static_cast<xmlSecSize>(spki.size()),
                                   xmlSecKeyDataFormatDer, nullptr, nullptr, nullptr);
  if (context->signKey == nullptr) {
    return fail(ErrorKind::unsupported, "the signer's key cannot be used");
  }
  // The same shape once more, as limits of the library's own.
  context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
  CHECK(xmlSecDSigCtxEnableSignatureTransform(context.get(), xmlSecTransformInclC14N11Id) >= 0);
  CHECK(xmlSecDSigCtxEnableSignatureTransform(context.get(), xmlSecTransformEcdsaSha384Id) >= 0);
  CHECK(xmlSecDSigCtxEnableReferenceTransform(context.get(), xmlSecTransformEnvelopedId) >= 0);
  CHECK(xmlSecDSigCtxEnableReferenceTransform(context.get(), xmlSecTransformInclC14N11Id) >= 0);
  CHECK(xmlSecDSigCtxEnableReferenceTransform(context.get(), xmlSecTransformSha384Id) >= 0);
  if (xmlSecDSigCtxVerify(context.get(), element.get()) < 0) {
    return fail(ErrorKind::untrusted, "the XML signature cannot be checked");
  }
  if (context->status != xmlSecDSigStatusSucceeded) {
    return fail(ErrorKind::untrusted, "the XML signature is not this key's over this document");
  }
  return {};
}

}  // namespace sotto::attest::nvidia
