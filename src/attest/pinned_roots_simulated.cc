// The root of the simulated TEE.
// SPDX-License-Identifier: Apache-2.0
#include "attest/pinned_roots.h"

namespace sotto::attest {

// CN=Sotto Simulated Root,O=Sotto simulated TEE\, protects nothing
// SHA-256 a25f6f9fc901b812539aad263848eb16d1a7c0f94f7e5a5433820a902f81cc1d
// Its private key is public: simulated/simulated_tee.h says how it is made.
const std::string_view kSimulatedRoot = R"(-----BEGIN CERTIFICATE-----
MIIB3jCCAYOgAwIBAgIBATAKBggqhkjOPQQDAjBPMS4wLAYDVQQKDCVTb3R0byBz
aW11bGF0ZWQgVEVFLCBwcm90ZWN0cyBub3RoaW5nMR0wGwYDVQQDDBRTb3R0byBT
aW11bGF0ZWQgUm9vdDAeFw0yNTAxMDEwMDAwMDBaFw00OTEyMzEyMzU5NTlaME8x
LjAsBgNVBAoMJVNvdHRvIHNpbXVsYXRlZCBURUUsIHByb3RlY3RzIG5vdGhpbmcx
HTAbBgNVBAMMFFNvdHRvIFNpbXVsYXRlZCBSb290MFkwEwYHKoZIzj0CAQYIKoZI
zj0DAQcDQgAEJF4bar7FatdsV7rQbUg1q5NOw9wl4ttRITKy/THxNhdfzkmhcVaO
x9sA/rlKLDNL7ze/D8nrFgAQsZhEez+FA6NQME4wEgYDVR0TAQH/BAgwBgEB/wIB
ATAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFG7Ktp1Vy0yVwRY3wA98VBOTTUYD
MAkGA1UdIwQCMAAwCgYIKoZIzj0EAwIDSQAwRgIhAICZD1V4x2CHGdqlUXPRRTiy
MeaHrFlt2Yh6uCuxw4E/AiEA6buYY91PotMkSPvMovAJAzHaZikKVfRytIK6UoaX
2Hk=
-----END CERTIFICATE-----
)";

}  // namespace sotto::attest
