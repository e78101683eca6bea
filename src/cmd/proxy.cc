// `sotto proxy`: an OpenAI endpoint here, whose answers come from a verified node.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "client/proxy.h"
#include "client/session.h"
#include "cmd/commands.h"
#include "cmd/node_options.h"
#include "serve/http_server.h"

namespace sotto::cmd {
namespace {

struct ProxyCommand {
  NodeOptions node;
  std::string listen = "127.0.0.1:8081";
  std::string receipts;
  uint32_t parallel = 32;
  uint32_t verify_every = 600;
};

Result<int> run(const ProxyCommand& command) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const serve::Address address = TRY(serve::parse_address(command.listen));
  if (!address.is_local()) {
    return fail(ErrorKind::denied,
                "--listen {}: prompts come in clear here, so only this machine's programs may",
                command.listen);
  }
  if (!command.receipts.empty() && !std::filesystem::is_directory(command.receipts)) {
    return fail(ErrorKind::unavailable, "--receipts {}: no such folder", command.receipts);
  }
  client::SessionOptions options = TRY(session_options(command.node));
  options.verify_again = std::chrono::seconds(command.verify_every);
  client::Session session(std::move(options));
  TRY(session.verify());
  print_verified(session);
  client::Proxy proxy(session, command.receipts, command.parallel);
  const std::unique_ptr<serve::HttpServer> http =
      TRY(serve::HttpServer::create(serve::HttpLimits{}, 2));
  const serve::Address listening = TRY(http->listen(address, proxy.handler()));
  http->run();
  fmt::print(stderr, "at {}\n", listening.shown());
  fmt::print(stderr, "try: OPENAI_BASE_URL={}/v1, or {}/verification in a browser\n",
             listening.url(), listening.url());
  int signal = 0;
  sigwait(&stop, &signal);
  http->stop(std::chrono::seconds(5));
  return kExitOk;
}

}  // namespace

Run add_proxy(CLI::App& app) {
  auto command = std::make_shared<ProxyCommand>();
  add_node_options(app, command->node);
  app.add_option("--listen", command->listen, "ADDRESS:PORT or unix:PATH, on this machine")
      ->capture_default_str();
  app.add_option("--receipts", command->receipts, "a folder for the receipt of every answer");
  app.add_option("--parallel", command->parallel, "requests at once; further ones wait")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--verify-every", command->verify_every,
                 "seconds until the node proves itself anew")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.footer("Example: sotto proxy https://node.example --policy mine.toml");
  return [command] { return run(*command); };
}

}  // namespace sotto::cmd
