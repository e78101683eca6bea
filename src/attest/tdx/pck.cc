// Parsing the extension of PCK certificates.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/pck.h"

#include <charconv>
#include <set>
#include <string>

#include "crypto/der.h"

namespace sotto::attest::tdx {
namespace {

using crypto::DerItem;
using crypto::DerReader;

constexpr std::string_view kExtension = "1.2.840.113741.1.13.1";

template <size_t kBytes>
Result<std::array<uint8_t, kBytes>> octets(const DerItem& item, std::string_view field) {
  if (item.tag != crypto::kDerOctetString || item.content.size() != kBytes) {
    return fail(ErrorKind::malformed, "{}: not an octet string of {} bytes", field, kBytes);
  }
  std::array<uint8_t, kBytes> bytes;
  std::copy(item.content.begin(), item.content.end(), bytes.begin());
  return bytes;
}

Result<uint64_t> integer(const DerItem& item, uint64_t most, std::string_view field) {
  if (item.tag != crypto::kDerInteger && item.tag != crypto::kDerEnumerated) {
    return fail(ErrorKind::malformed, "{}: not an integer", field);
  }
  const uint64_t value = TRY(crypto::der_unsigned(item.content, field));
  if (value > most) return fail(ErrorKind::malformed, "{}: {} is above {}", field, value, most);
  return value;
}

Result<bool> boolean(const DerItem& item, std::string_view field) {
  if (item.tag != crypto::kDerBoolean) {
    return fail(ErrorKind::malformed, "{}: not a boolean", field);
  }
  return crypto::der_boolean(item.content, field);
}

// Calls `take(number, value)` for each pair of an identifier kExtension.PREFIX.number and its value.
// Identifiers that Intel may add later are passed over; none may be there twice.
template <class Take>
Result<std::set<unsigned>> each_field(Bytes sequence, std::string_view prefix, Take take) {
  std::set<unsigned> seen;
  DerReader reader(sequence);
  while (!reader.done()) {
    DerReader pair(TRY(reader.take(crypto::kDerSequence, "field")));
    const std::string oid = TRY(crypto::der_oid(TRY(pair.take(crypto::kDerOid, "field")), "field"));
    const DerItem value = TRY(pair.next("field"));
    TRY(pair.finish("field"));
    if (!oid.starts_with(prefix)) continue;
    unsigned number = 0;
    const char* end = oid.data() + oid.size();
    const auto [at, error] = std::from_chars(oid.data() + prefix.size(), end, number);
    if (error != std::errc() || at != end) continue;
    if (!seen.insert(number).second) {
      return fail(ErrorKind::malformed, "{} is there twice", oid);
    }
    TRY(take(number, value));
  }
  return seen;
}

Result<void> require(const std::set<unsigned>& seen, unsigned first, unsigned last,
                     std::string_view prefix) {
  for (unsigned number = first; number <= last; ++number) {
    if (!seen.contains(number)) {
      return fail(ErrorKind::malformed, "{}{} is missing", prefix, number);
    }
  }
  return {};
}

Result<void> read_tcb(Bytes sequence, PckPlatform& platform) {
  constexpr std::string_view kPrefix = "1.2.840.113741.1.13.1.2.";
  const auto take = [&](unsigned number, const DerItem& value) -> Result<void> {
    if (number >= 1 && number <= 16) {
      platform.sgx_components[number - 1] =
          static_cast<uint8_t>(TRY(integer(value, 255, "TCB component")));
    } else if (number == 17) {
      platform.pce_svn = static_cast<uint16_t>(TRY(integer(value, 65535, "PCESVN")));
    } else if (number == 18) {
      platform.cpu_svn = TRY(octets<16>(value, "CPUSVN"));
    }
    return {};
  };
  return require(TRY(each_field(sequence, kPrefix, take)), 1, 18, kPrefix);
}

Result<void> read_configuration(Bytes sequence, PckPlatform& platform) {
  constexpr std::string_view kPrefix = "1.2.840.113741.1.13.1.7.";
  const auto take = [&](unsigned number, const DerItem& value) -> Result<void> {
    if (number == 1) platform.dynamic_platform = TRY(boolean(value, "dynamic platform"));
    if (number == 2) platform.cached_keys = TRY(boolean(value, "cached keys"));
    if (number == 3) platform.smt_enabled = TRY(boolean(value, "SMT enabled"));
    return {};
  };
  TRY(each_field(sequence, kPrefix, take));
  return {};
}

}  // namespace

Result<PckPlatform> parse_pck_platform(const crypto::Certificate& pck) {
  constexpr std::string_view kPrefix = "1.2.840.113741.1.13.1.";
  const std::optional<std::vector<uint8_t>> extension = TRY(pck.extension(kExtension));
  if (!extension) {
    return fail(ErrorKind::malformed, "the PCK certificate lacks extension {}", kExtension);
  }
  DerReader reader(*extension);
  const Bytes fields = TRY(reader.take(crypto::kDerSequence, "SGX extension"));
  TRY(reader.finish("SGX extension"));
  PckPlatform platform;
  const auto take = [&](unsigned number, const DerItem& value) -> Result<void> {
    if ((number == 2 || number == 7) && value.tag != crypto::kDerSequence) {
      return fail(ErrorKind::malformed, "{}{}: not a sequence", kPrefix, number);
    }
    switch (number) {
      case 1:
        platform.ppid = TRY(octets<16>(value, "PPID"));
        break;
      case 2:
        TRY(read_tcb(value.content, platform));
        break;
      case 3:
        platform.pce_id = TRY(octets<2>(value, "PCEID"));
        break;
      case 4:
        platform.fmspc = TRY(octets<6>(value, "FMSPC"));
        break;
      case 5:
        platform.sgx_type = static_cast<uint8_t>(TRY(integer(value, 255, "SGX type")));
        break;
      case 6:
        platform.platform_instance_id = TRY(octets<16>(value, "platform instance"));
        break;
      case 7:
        TRY(read_configuration(value.content, platform));
        break;
      default:
        break;
    }
    return {};
  };
  TRY(require(TRY(each_field(fields, kPrefix, take)), 1, 5, kPrefix));
  return platform;
}

}  // namespace sotto::attest::tdx
