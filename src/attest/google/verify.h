// Google's confidential VMs: a TDX quote or SEV-SNP report, and Google's word on the firmware in it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/claims.h"
#include "attest/google/endorsement.h"
#include "attest/roots.h"
#include "attest/verify_error.h"

namespace sotto::attest::google {

// Evidence of kind google_endorsement: reference values, of no particular machine. Claims of platform
// "google-firmware": measurement "firmware" (the digest of the firmware's file), "mrtd.16gib" and
// "mrtd.16gib.early" by memory size, "measurement.4vcpu" by processors. Rules, in their order:
//   endorsement-format     malformed: the message, and the certificate in it
//   endorsement-chain      untrusted_root, expired, …: to Vendor::google_firmware at `time`
//   endorsement-signature  bad_signature
//   endorsement-origin     malformed: since August 2024 it names what the firmware was built from
Verified<Claims> verify_endorsement(Bytes endorsement, const Roots& roots, int64_t time);

// The same, used on what verify functions made of a TDX quote or an SEV-SNP report: its MRTD or launch
// measurement is one of the endorsed ones. Returns the claims with the rules above and
//   firmware-endorsed      measurement_mismatch; wrong_collateral without values for that platform
// and the notes firmware_digest, firmware_svn, and firmware_ram_gib or firmware_vcpus.
Verified<Claims> endorse(Claims machine, Bytes endorsement, const Roots& roots, int64_t time);

}  // namespace sotto::attest::google
