// The two forms of event, told apart by the first one.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/tcg.h"

#include <algorithm>

namespace sotto::attest::event_log {
namespace {

constexpr uint32_t kNoAction = 3;
constexpr uint16_t kSha1 = 0x0004;
constexpr uint32_t kSha1Bytes = 20;
constexpr std::string_view kSpecId03{"Spec ID Event03\0", 16};
constexpr uint32_t kPcrMax = 23, kRtmr0 = 1, kRtmr3 = 4;

Result<Bytes> read_data(ByteReader& in) {
  const uint64_t at = in.offset();
  const uint32_t size = TRY(in.read<uint32_t>("event size"));
  if (size > kEventBytesMax) {
    return fail(ErrorKind::exhausted, "event size at offset {} is {}, more than {}", at, size,
                kEventBytesMax);
  }
  return in.take(size, "event data");
}

Result<void> check_register(const Event& event, Registers registers) {
  const uint32_t min = registers == Registers::pcrs ? 0 : kRtmr0;
  const uint32_t max = registers == Registers::pcrs ? kPcrMax : kRtmr3;
  if (event.type == kNoAction || (event.reg >= min && event.reg <= max)) return {};
  return fail(ErrorKind::malformed, "event at offset {}: register {} is not {} to {}", event.offset,
              event.reg, min, max);
}

// TCG_PCR_EVENT
Result<Event> read_legacy_event(ByteReader& in) {
  Event event;
  event.offset = in.offset();
  event.reg = TRY(in.read<uint32_t>("register"));
  event.type = TRY(in.read<uint32_t>("event type"));
  event.digests.push_back({kSha1, TRY(in.take(kSha1Bytes, "digest"))});
  event.data = TRY(read_data(in));
  return event;
}

// TCG_PCR_EVENT2
Result<Event> read_event(ByteReader& in, const std::vector<Algorithm>& algorithms) {
  Event event;
  event.offset = in.offset();
  event.reg = TRY(in.read<uint32_t>("register"));
  event.type = TRY(in.read<uint32_t>("event type"));
  const uint32_t count = TRY(in.read<uint32_t>("digest count"));
  if (count != algorithms.size()) {
    return fail(ErrorKind::malformed,
                "event at offset {} has {} digests, the log's algorithms are {}", event.offset,
                count, algorithms.size());
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t at = in.offset();
    const uint16_t id = TRY(in.read<uint16_t>("digest algorithm"));
    const auto known = std::ranges::find(algorithms, id, &Algorithm::id);
    if (known == algorithms.end() || event.find(id) != nullptr) {
      return fail(ErrorKind::malformed, "digest at offset {}: algorithm {:#06x} is {}", at, id,
                  known == algorithms.end() ? "not one of the log's" : "there twice");
    }
    event.digests.push_back({id, TRY(in.take(known->digest_bytes, "digest"))});
  }
  event.data = TRY(read_data(in));
  return event;
}

// TCG_EfiSpecIDEvent: the data of a crypto-agile log's first event.
Result<std::vector<Algorithm>> read_algorithms(Bytes data) {
  ByteReader in(data);
  TRY(in.take(kSpecId03.size(), "signature"));
  TRY(in.take(4 + 4, "platform class and version"));  // class, minor, major, errata, uintn size
  const uint32_t count = TRY(in.read<uint32_t>("algorithm count"));
  if (count == 0 || count > kAlgorithmsMax) {
    return fail(ErrorKind::malformed, "algorithm count is {}, not 1 to {}", count, kAlgorithmsMax);
  }
  std::vector<Algorithm> algorithms;
  for (uint32_t i = 0; i < count; ++i) {
    Algorithm algorithm;
    algorithm.id = TRY(in.read<uint16_t>("algorithm"));
    algorithm.digest_bytes = TRY(in.read<uint16_t>("digest size"));
    if (algorithm.digest_bytes == 0 || algorithm.digest_bytes > kDigestBytesMax) {
      return fail(ErrorKind::malformed, "algorithm {:#06x} has digests of {} bytes, not 1 to {}",
                  algorithm.id, algorithm.digest_bytes, kDigestBytesMax);
    }
    if (std::ranges::find(algorithms, algorithm.id, &Algorithm::id) != algorithms.end()) {
      return fail(ErrorKind::malformed, "algorithm {:#06x} is there twice", algorithm.id);
    }
    algorithms.push_back(algorithm);
  }
  const uint8_t vendor_bytes = TRY(in.read<uint8_t>("vendor information size"));
  TRY(in.take(vendor_bytes, "vendor information"));
  if (in.left() != 0) return fail(ErrorKind::malformed, "{} bytes follow its end", in.left());
  return algorithms;
}

// A log in an ACPI area is followed by filling: all ones, or zeros. Where it begins; the last event
// may itself end in such bytes.
uint64_t begin_of_filling(Bytes bytes) {
  uint64_t begin = bytes.size();
  if (bytes.empty() || (bytes.back() != 0 && bytes.back() != 0xff)) return begin;
  while (begin > 0 && bytes[begin - 1] == bytes.back()) --begin;
  return begin;
}

}  // namespace

const Digest* Event::find(uint16_t algorithm) const {
  const auto at = std::ranges::find(digests, algorithm, &Digest::algorithm);
  return at == digests.end() ? nullptr : &*at;
}

Result<Log> parse_log(Bytes bytes, Registers registers) {
  if (bytes.size() > kLogBytesMax) {
    return fail(ErrorKind::exhausted, "an event log of {} bytes, more than {}", bytes.size(),
                kLogBytesMax);
  }
  ByteReader in(bytes);
  Log log;
  log.registers = registers;
  Event first = TRY(read_legacy_event(in));
  log.legacy = first.type != kNoAction || first.data.size() < kSpecId03.size() ||
               !std::ranges::equal(first.data.first(kSpecId03.size()), as_bytes(kSpecId03));
  if (log.legacy) {
    log.algorithms = {{kSha1, kSha1Bytes}};
    TRY(check_register(first, registers));
    log.events.push_back(std::move(first));
  } else {
    auto algorithms = read_algorithms(first.data);
    if (!algorithms) return within("the first event", std::move(algorithms).error());
    log.algorithms = std::move(*algorithms);
  }
  const uint64_t filling = begin_of_filling(bytes);
  while (in.offset() < filling) {
    if (log.events.size() == kEventsMax) {
      return fail(ErrorKind::exhausted, "the event at offset {} is one more than {}", in.offset(),
                  kEventsMax);
    }
    log.events.push_back(TRY(log.legacy ? read_legacy_event(in) : read_event(in, log.algorithms)));
    TRY(check_register(log.events.back(), registers));
  }
  log.bytes = in.offset();
  return log;
}

}  // namespace sotto::attest::event_log
