// `sotto attest`: this machine's evidence bundle.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <string>

#include "base/output_file.h"
#include "base/text_encoding.h"
#include "cmd/commands.h"
#include "cmd/tee.h"

namespace sotto::cmd {
namespace {

struct AttestCommand {
  std::string nonce;
  std::string out;
  std::string tee = "auto";
  bool azure_document = false;
};

Result<int> run(const AttestCommand& command) {
  std::vector<uint8_t> nonce;
  if (!command.nonce.empty()) {
    Result<std::vector<uint8_t>> given = bytes_of_hex(command.nonce);
    if (!given) return within("--nonce", given.error());
    nonce = std::move(*given);
  }
  // It serves nothing: no models, and a configuration of no bytes.
  attest::Statement statement;
  statement.configuration_sha256 = crypto::sha256({});
  const std::unique_ptr<attest::Node> node =
      TRY(make_node(command.tee, std::move(statement), {}, command.azure_document));
  print_node(node.get());
  const std::string bundle = TRY(node->bundle(nonce, std::time(nullptr)));
  if (command.out.empty()) {
    fmt::print("{}\n", bundle);
    return kExitOk;
  }
  OutputFile file = TRY(OutputFile::create(command.out));
  TRY(file.append(as_bytes(bundle + "\n")));
  TRY(file.commit());
  return kExitOk;
}

}  // namespace

Run add_attest(CLI::App& app) {
  auto command = std::make_shared<AttestCommand>();
  app.add_option("--nonce", command->nonce, "hexadecimal, 16 to 64 bytes, from who will verify");
  app.add_option("--out", command->out, "a file instead of standard output");
  add_tee_option(app, command->tee, false);
  app.add_flag("--azure-document", command->azure_document,
               "with Azure's attested document, which names this machine and its subscription");
  app.footer("Example: sotto attest --nonce $(openssl rand -hex 32) --out bundle.json");
  return [command] { return run(*command); };
}

}  // namespace sotto::cmd
