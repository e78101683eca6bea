// A connection inside TLS, over another one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "crypto/tls.h"
#include "serve/conn.h"

namespace sotto::serve {

// The handshake is made with the first read. An end without TLS's own end is an error: whoever cuts a
// connection must not pass for a client that has said all.
std::unique_ptr<Conn> make_tls_conn(std::unique_ptr<Conn> below,
                                    std::shared_ptr<const crypto::TlsServer> server);

}  // namespace sotto::serve
