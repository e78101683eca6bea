// Names of TCB grades.
// SPDX-License-Identifier: Apache-2.0
#include "attest/claims.h"

namespace sotto::attest {

std::string_view to_string(TcbGrade grade) {
  switch (grade) {
    case TcbGrade::up_to_date:
      return "up-to-date";
    case TcbGrade::needs_configuration:
      return "needs-configuration";
    case TcbGrade::out_of_date:
      return "out-of-date";
    case TcbGrade::revoked:
      return "revoked";
  }
  return "?";
}

}  // namespace sotto::attest
