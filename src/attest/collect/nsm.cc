// Requests to the Nitro Security Module and its answers, CBOR both ways.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/nsm.h"

#include <sys/ioctl.h>

#include <bit>
#include <cstring>
#include <string_view>

#include "attest/cbor/cbor.h"
#include "attest/cbor/writer.h"

namespace sotto::attest::collect {
namespace {

constexpr uint64_t kRequestBytesMax = 0x1000;
constexpr uint64_t kResponseBytesMax = 0x3000;

// As in the kernel's uapi/linux/nsm.h, which Debian 12's headers do not have.
struct NsmBuffer {
  uint64_t address;
  uint64_t bytes;
};
struct NsmMessage {
  NsmBuffer request;
  NsmBuffer response;
};
static_assert(sizeof(NsmMessage) == 32);
constexpr unsigned long kNsmRaw = _IOWR(0x0a, 0, NsmMessage);

Result<std::vector<uint8_t>> ask(Device& device, Bytes request) {
  if (request.size() > kRequestBytesMax) {
    return fail(ErrorKind::exhausted, "a request to /dev/nsm of {} bytes, {} are allowed",
                request.size(), kRequestBytesMax);
  }
  std::vector<uint8_t> response(kResponseBytesMax);
  NsmMessage message{{std::bit_cast<uint64_t>(request.data()), request.size()},
                     {std::bit_cast<uint64_t>(response.data()), response.size()}};
  if (const int error = device.control(kNsmRaw, &message); error != 0) {
    return fail(ErrorKind::unavailable, "/dev/nsm: {}", std::strerror(error));
  }
  if (message.response.bytes > response.size()) {
    return fail(ErrorKind::malformed, "/dev/nsm answers with {} bytes, {} were offered",
                message.response.bytes, response.size());
  }
  response.resize(message.response.bytes);
  return response;
}

// The map below the command's name in the answer.
Result<cbor::Item> open_answer(const cbor::Document& document, std::string_view command) {
  const cbor::Item root = document.root();
  if (const auto error = root.find("Error")) {
    const auto text = error->text("Error");
    return fail(ErrorKind::unavailable, "/dev/nsm refuses {}: {}", command,
                text ? *text : std::string_view("?"));
  }
  const auto answer = root.find(command);
  if (!answer || root.count() != 1 || answer->type() != cbor::Type::map) {
    return fail(ErrorKind::malformed, "/dev/nsm gives no answer to {}", command);
  }
  return *answer;
}

Result<std::vector<uint8_t>> read_field(const cbor::Item& answer, std::string_view field) {
  const auto item = answer.find(field);
  if (!item) return fail(ErrorKind::malformed, "/dev/nsm's answer has no '{}'", field);
  const Bytes bytes = TRY(item->bytes(field));
  return std::vector<uint8_t>(bytes.begin(), bytes.end());
}

Result<void> write_field(cbor::Writer& out, std::string_view field,
                         const std::optional<std::vector<uint8_t>>& value, uint64_t bytes_max) {
  out.text(field);
  if (!value) {
    out.null();
    return {};
  }
  if (value->size() > bytes_max) {
    return fail(ErrorKind::exhausted, "{} has {} bytes, the Nitro Security Module takes {}", field,
                value->size(), bytes_max);
  }
  out.bytes(*value);
  return {};
}

}  // namespace

Result<std::vector<uint8_t>> request_nsm_document(Device& device, const NsmRequest& request) {
  cbor::Writer out;
  out.map(1);
  out.text("Attestation");
  out.map(3);
  TRY(write_field(out, "user_data", request.user_data, kNsmUserDataBytesMax));
  TRY(write_field(out, "nonce", request.nonce, kNsmNonceBytesMax));
  TRY(write_field(out, "public_key", request.public_key, kNsmPublicKeyBytesMax));
  const auto response = TRY(ask(device, out.written()));
  const auto document = TRY(cbor::Document::read(response));
  return read_field(TRY(open_answer(document, "Attestation")), "document");
}

Result<NsmPcr> read_nsm_pcr(Device& device, uint16_t index) {
  cbor::Writer out;
  out.map(1);
  out.text("DescribePCR");
  out.map(1);
  out.text("index");
  out.integer(index);
  const auto response = TRY(ask(device, out.written()));
  const auto document = TRY(cbor::Document::read(response));
  const cbor::Item answer = TRY(open_answer(document, "DescribePCR"));
  const auto lock = answer.find("lock");
  if (!lock) return fail(ErrorKind::malformed, "/dev/nsm's answer has no 'lock'");
  return NsmPcr{.locked = TRY(lock->boolean("lock")), .value = TRY(read_field(answer, "data"))};
}

Result<std::vector<uint8_t>> extend_nsm_pcr(Device& device, uint16_t index, Bytes data) {
  cbor::Writer out;
  out.map(1);
  out.text("ExtendPCR");
  out.map(2);
  out.text("index");
  out.integer(index);
  out.text("data");
  out.bytes(data);
  const auto response = TRY(ask(device, out.written()));
  const auto document = TRY(cbor::Document::read(response));
  return read_field(TRY(open_answer(document, "ExtendPCR")), "data");
}

}  // namespace sotto::attest::collect
