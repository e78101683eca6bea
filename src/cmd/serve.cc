// `sotto serve`: models behind OpenAI's API.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/progress.h"
#include "cmd/assistant.h"
#include "cmd/commands.h"
#include "cmd/config_file.h"
#include "cmd/model_source.h"
#include "cmd/options.h"
#include "cmd/serve_sandbox.h"
#include "cmd/tee.h"
#include "cmd/tls_options.h"
#include "engine/host.h"
#include "serve/api_server.h"
#include "serve/http_server.h"
#include "serve/ohttp_gateway.h"

namespace sotto::cmd {
namespace {

struct ServeOptions {
  std::vector<std::string> models;
  std::vector<std::string> listen = {"127.0.0.1:8080"};
  std::string admin;
  std::string keys;
  std::string usage;
  std::string log;
  uint32_t context = 0;
  uint32_t parallel = 8;
  uint32_t queue = 64;
  uint64_t cache = 0;
  uint32_t threads = 1;
  uint32_t io_threads = 2;
  uint32_t grace = 30;
  std::string kv = "f16";
  std::string speculate = "auto";
  std::string prefix_cache = "on";
  bool azure_document = false;
  std::string tee = "auto";
  std::string pad = "bucket";
  TlsOptions tls;
  std::string sandbox = "on";
  std::string config;
  bool print_config = false;
};

// "NAME,ALIAS=MODEL" or "MODEL", whose name is the file's without its ending.
struct NamedModel {
  std::vector<std::string> names;
  std::string model;
};

Result<NamedModel> parse_model(const std::string& text) {
  NamedModel named;
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    named.model = text;
    named.names = {std::filesystem::path(text).stem().string()};
    return named;
  }
  named.model = text.substr(equals + 1);
  for (size_t at = 0; at <= equals;) {
    const size_t end = std::min(text.find(',', at), equals);
    named.names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const bool empty = std::any_of(named.names.begin(), named.names.end(),
                                 [](const std::string& name) { return name.empty(); });
  if (empty || named.model.empty()) {
    return fail(ErrorKind::malformed, "'{}' is neither MODEL nor NAME[,ALIAS…]=MODEL", text);
  }
  return named;
}

Result<serve::ServedModel> open_served(const std::string& text, const ServeOptions& options) {
  const NamedModel named = TRY(parse_model(text));
  gguf::Source source = TRY(open_model(named.model));
  engine::EngineOptions engine_options;
  engine_options.sequences_max = options.parallel;
  engine_options.queue_max = options.queue;
  engine_options.context = options.context;
  // Each of them may become as long as the context allows.
  engine_options.cache_positions = options.cache;
  engine_options.cache_requests = options.parallel;
  engine_options.kv_type = kv_type(options.kv);
  engine_options.speculation = speculation(options.speculate);
  engine_options.prefix_cache = options.prefix_cache == "on";
  // Whoever asks finds a place, even where one key fills the others with long answers.
  if (!options.keys.empty()) {
    engine_options.sequences_per_tenant_max = std::max(1u, options.parallel - 1);
  }
  serve::ServedModel served;
  served.name = named.names.front();
  served.aliases.assign(named.names.begin() + 1, named.names.end());
  served.host =
      TRY(engine::Host::open(std::move(source), options.threads, engine_options, kContextDefaultMax,
                             terminal_progress("loading " + served.name)));
  served.recommended = TRY(sampling_params({}, served.host->metadata()));
  served.loaded = std::time(nullptr);
  return served;
}

Result<std::vector<serve::ServedModel>> open_all(const ServeOptions& options) {
  std::vector<serve::ServedModel> models;
  std::vector<std::string> names;
  for (const std::string& text : options.models) {
    models.push_back(TRY(open_served(text, options)));
    names.push_back(models.back().name);
    names.insert(names.end(), models.back().aliases.begin(), models.back().aliases.end());
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return models;
  return fail(ErrorKind::malformed, "two models are called '{}': name them NAME=MODEL", *twice);
}

Result<std::vector<serve::Address>> addresses(const ServeOptions& options) {
  std::vector<serve::Address> all;
  for (const std::string& text : options.listen) {
    const Result<serve::Address> address = serve::parse_address(text);
    if (!address) return within("--listen", address.error());
    all.push_back(*address);
    if (options.keys.empty() && !all.back().is_local()) {
      return fail(
          ErrorKind::denied,
          "--listen {}: without --keys only this machine's own programs may ask. Make a key "
          "with `sotto keys add NAME --keys FILE`, or listen at 127.0.0.1 or unix:PATH",
          text);
    }
  }
  return all;
}

void print_start(const std::vector<serve::ServedModel>& models,
                 const std::vector<serve::Address>& listening, const serve::Address* admin,
                 const ServeOptions& options) {
  fmt::print(stderr, "sotto {} serves\n", SOTTO_VERSION);
  for (const serve::ServedModel& model : models) {
    const engine::EngineOptions& effective = model.host->engine().options();
    fmt::print(stderr, "  {}  context {}, {} at once, {}, model_root {:02x}…\n", model.name,
               effective.context, effective.sequences_max, model.host->model().isa(),
               fmt::join(std::span(model.host->model().identity().model_root).first(8), ""));
  }
  for (const serve::Address& address : listening) {
    fmt::print(stderr, "at {}{}\n", address.shown(),
               options.keys.empty() ? ", for this machine only" : ", with an API key");
  }
  if (admin != nullptr) fmt::print(stderr, "metrics at {}/metrics\n", admin->url());
  // One that curl reaches, where there is one.
  const auto reachable = std::ranges::find_if(listening, [](const serve::Address& address) {
    return address.kind != serve::Address::Kind::vsock;
  });
  if (reachable == listening.end()) {
    fmt::print(stderr, "try: on the host, socat TCP-LISTEN:8443,fork VSOCK-CONNECT:CID:{}\n",
               listening.front().port);
    return;
  }
  const serve::Address& first = *reachable;
  fmt::print(stderr,
             "try: curl {}{}{}/v1/chat/completions {}-H 'content-type: application/json' -d "
             "'{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n",
             first.tls ? "-k " : "", first.is_unix() ? "--unix-socket " + first.path + " " : "",
             first.url(), options.keys.empty() ? "" : "-H 'authorization: Bearer KEY' ",
             models.front().name);
}

channel::Padding padding(const std::string& pad) {
  return pad == "off"      ? channel::Padding::off
         : pad == "bucket" ? channel::Padding::bucket
                           : channel::Padding::cadence;
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// Until SIGTERM or SIGINT; meanwhile looks every second whether the API keys have changed, and whether
// it is time for another key of Oblivious HTTP.
void wait_for_stop(serve::KeyRing* keys, attest::Node* node, channel::GatewayKeys& ohttp_keys) {
  const sigset_t set = stop_signals();
  constexpr timespec kSecond{1, 0};
  std::string last;
  while (sigtimedwait(&set, nullptr, &kSecond) < 0) {
    const int64_t now = std::time(nullptr);
    if (node != nullptr && ohttp_keys.rotate(now)) {
      const Result<void> renewed = node->renew(ohttp_keys.configs(), now);
      if (!renewed) fmt::print(stderr, "sotto: the statement stays: {}\n", renewed.error().message);
    }
    if (keys == nullptr) continue;
    const Result<void> reloaded = keys->reload();
    const std::string problem = reloaded ? "" : reloaded.error().message;
    if (!problem.empty() && problem != last) {
      fmt::print(stderr, "sotto: the keys stay as they were: {}\n", problem);
    }
    last = problem;
  }
}

SandboxNeeds needs_of(const ServeOptions& options) {
  SandboxNeeds needs;
  for (const std::string& text : options.models) {
    if (const auto named = parse_model(text)) needs.models.push_back(named->model);
  }
  for (const std::string* file : {&options.tls.certificate, &options.tls.key, &options.config}) {
    if (!file->empty()) needs.read.push_back(*file);
  }
  for (const std::string* file : {&options.keys, &options.usage, &options.log}) {
    if (!file->empty()) needs.write.push_back(*file);
  }
  for (const std::string& text : options.listen) {
    const auto address = serve::parse_address(text);
    if (address && address->is_unix()) needs.write.push_back(address->path);
  }
  needs.real_tee = options.tee == "auto";
  return needs;
}

// As a file that --config reads.
std::string config_text(const ServeOptions& options) {
  std::string text;
  std::string listen;
  for (const std::string& address : options.listen) {
    listen += (listen.empty() ? "" : ", ") + toml_text(address);
  }
  text += fmt::format("listen = [{}]\n", listen);
  const std::pair<const char*, const std::string&> texts[] = {
      {"admin", options.admin},
      {"keys", options.keys},
      {"usage", options.usage},
      {"log", options.log},
      {"kv", options.kv},
      {"speculate", options.speculate},
      {"prefix-cache", options.prefix_cache},
      {"tee", options.tee},
      {"pad", options.pad},
      {"tls-cert", options.tls.certificate},
      {"tls-key", options.tls.key},
      {"sandbox", options.sandbox}};
  for (const auto& [name, value] : texts) {
    if (!value.empty()) text += fmt::format("{} = {}\n", name, toml_text(value));
  }
  if (options.tls.plain) text += "plain = true\n";
  if (options.azure_document) text += "azure-document = true\n";
  if (options.sandbox == "on") text += call_filter_line(needs_of(options));
  const std::pair<const char*, uint64_t> numbers[] = {
      {"context", options.context}, {"parallel", options.parallel},
      {"queue", options.queue},     {"cache", options.cache},
      {"threads", options.threads}, {"io-threads", options.io_threads},
      {"grace", options.grace}};
  for (const auto& [name, number] : numbers) {
    text += fmt::format("{} = {}\n", name, number);
  }
  return text;
}

std::vector<attest::StatedModel> stated_models(const std::vector<serve::ServedModel>& models) {
  std::vector<attest::StatedModel> stated;
  for (const serve::ServedModel& model : models) {
    const gguf::ModelIdentity& identity = model.host->model().identity();
    stated.push_back({model.name, identity.file_sha256, identity.model_root});
  }
  return stated;
}

Result<int> serve_all(const ServeOptions& options) {
  // Before there are threads: they all inherit it.
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const std::vector<serve::Address> wanted = TRY(addresses(options));
  const bool sandbox = options.sandbox == "on";
  if (sandbox) restrict_server_files(needs_of(options));
  std::unique_ptr<serve::KeyRing> keys;
  std::unique_ptr<serve::Usage> usage;
  if (!options.keys.empty()) {
    keys = TRY(serve::KeyRing::open(options.keys));
    const std::string beside = options.keys + ".usage";
    usage = TRY(serve::Usage::open(options.usage.empty() ? beside : options.usage));
  }
  const std::unique_ptr<serve::RequestLog> log = TRY(serve::RequestLog::open(options.log));
  serve::Metrics metrics;
  // Outlives the engines, whose last words go to its connections.
  const std::unique_ptr<serve::HttpServer> http =
      TRY(serve::HttpServer::create(serve::HttpLimits{}, options.io_threads));
  serve::ApiServer::Parts parts;
  parts.models = TRY(open_all(options));
  parts.keys = keys.get();
  parts.usage = usage.get();
  parts.log = log.get();
  parts.metrics = &metrics;
  parts.version = SOTTO_VERSION;
  const crypto::KeyPair receipt_key(crypto::KeyType::ed25519);
  attest::Statement statement;
  statement.configuration_sha256 = crypto::sha256(as_bytes(config_text(options)));
  statement.models = stated_models(parts.models);
  statement.receipt_key = serve::receipt_key_bytes(receipt_key);
  channel::GatewayKeys ohttp_keys(std::time(nullptr));
  statement.ohttp_keys = ohttp_keys.configs();
  NodeTls tls = TRY(NodeTls::prepare(options.tls, options.tee != "none"));
  const std::unique_ptr<attest::Node> node =
      TRY(make_node(options.tee, std::move(statement), tls.spki(), options.azure_document));
  std::optional<serve::ReceiptDesk> receipts;
  if (node != nullptr) receipts.emplace(receipt_key, *node);
  parts.node = node.get();
  parts.receipts = receipts ? &*receipts : nullptr;
  serve::ApiServer api(std::move(parts));
  const serve::Router inner = api.public_routes();
  serve::OhttpGateway gateway(ohttp_keys, inner, padding(options.pad));
  serve::Router routes = inner;
  if (node != nullptr) gateway.add_routes(routes);
  std::vector<serve::Address> listening;
  const std::shared_ptr<const crypto::TlsServer> server = TRY(tls.server(node.get()));
  for (const serve::Address& address : wanted) {
    listening.push_back(TRY(http->listen(address, routes, address.is_unix() ? nullptr : server)));
  }
  std::optional<serve::Address> admin;
  if (!options.admin.empty()) {
    const serve::Address address = TRY(serve::parse_address(options.admin));
    admin = TRY(http->listen(address, api.admin_routes(http->counts())));
  }
  keep_out_of_swap();
  http->run();
  if (sandbox) restrict_server_calls(needs_of(options));
  print_node(node.get());
  print_start(api.models(), listening, admin ? &*admin : nullptr, options);
  wait_for_stop(keys.get(), node.get(), ohttp_keys);
  fmt::print(stderr, "sotto: stopping; answers that are being given have {} seconds\n",
             options.grace);
  api.begin_stop();
  http->stop(std::chrono::seconds(options.grace));
  return kExitOk;
}

}  // namespace

Run add_serve(CLI::App& app) {
  auto options = std::make_shared<ServeOptions>();
  app.add_option("MODEL", options->models,
                 "a GGUF file, a model's name or 'demo'; NAME[,ALIAS…]=MODEL to call it something")
      ->required();
  app.add_option("--listen", options->listen, "ADDRESS:PORT, unix:PATH or vsock:PORT; repeatable")
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--admin", options->admin, "where metrics are served; nowhere without it");
  app.add_option("--keys", options->keys,
                 "the API keys (`sotto keys`); without, only this machine");
  app.add_option("--usage", options->usage,
                 "where each key's usage is counted; default: KEYS.usage");
  app.add_option("--log", options->log, "a file for one line per request; default: standard error");
  app.add_option("--context", options->context,
                 "positions of one request; default: the model's, at most 8192");
  app.add_option("--parallel", options->parallel, "answers at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--queue", options->queue, "requests that may wait for a place")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--cache", options->cache,
                 "positions of all answers together; default: as many as they can need");
  add_kv_option(app, options->kv);
  add_threads_option(app, options->threads);
  app.add_option("--io-threads", options->io_threads, "threads for connections")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--grace", options->grace, "seconds that running answers have after SIGTERM")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  add_speculate_option(app, options->speculate);
  app.add_option("--prefix-cache", options->prefix_cache,
                 "on: prompts of one key share what they begin with")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  add_tee_option(app, options->tee, true);
  app.add_flag("--azure-document", options->azure_document,
               "on Azure: put the instance's attested document beside the evidence, for everybody");
  add_tls_options(app, options->tls);
  app.add_option("--sandbox", options->sandbox,
                 "on: give up other files, programs and connections before serving")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  app.add_option(
         "--pad", options->pad,
         "what hides the lengths of sealed answers: off, bucket, or cadence, which hides when "
         "words come too")
      ->check(CLI::IsMember({"off", "bucket", "cadence"}))
      ->capture_default_str();
  app.add_option(
         "--config", options->config,
         "options from a TOML file; variables SOTTO_LISTEN and so on, and flags, count more")
      ->configurable(false);
  app.add_flag("--print-config", options->print_config, "print the options in effect, and end")
      ->configurable(false);
  app.footer("Example: sotto serve demo --listen 127.0.0.1:8080");
  return [options, &app]() -> Result<int> {
    TRY(overlay_options(app, options->config));
    if (!options->print_config) return serve_all(*options);
    fmt::print("{}", config_text(*options));
    return kExitOk;
  };
}

}  // namespace sotto::cmd
