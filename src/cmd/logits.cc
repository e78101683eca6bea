// `sotto logits`: the raw logits of given token ids, for comparing engines.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "base/progress.h"
#include "base/threads.h"
#include "cmd/commands.h"
#include "cmd/model_source.h"
#include "cmd/options.h"
#include "model/model.h"

namespace sotto::cmd {
namespace {

constexpr uint32_t kChunkMax = 512;

struct Options {
  std::string model;
  std::vector<TokenId> ids;
  std::string out;
  uint32_t chunk = 64;
  uint32_t threads = 1;
  std::string kv = "f16";
};

Result<int> run(const Options& options) {
  ThreadPool pool(options.threads);
  const gguf::Source source = TRY(open_model(options.model));
  const model::ForwardLimits limits{.batch_tokens_max = options.chunk,
                                    .logit_rows_max = options.chunk};
  const std::unique_ptr<model::Model> model =
      TRY(model::Model::load(source, limits, pool, terminal_progress("loading")));
  const std::unique_ptr<model::KvCache> cache =
      TRY(model::KvCache::create(model->kv_layout(kv_type(options.kv)), options.ids.size()));
  model::Sequence sequence = TRY(cache->reserve(static_cast<uint32_t>(options.ids.size())));

  OutputFile out = TRY(OutputFile::create(options.out));
  const std::span<const TokenId> ids = options.ids;
  for (size_t at = 0; at < ids.size(); at += options.chunk) {
    const model::BatchPart part{&sequence,
                                ids.subspan(at, std::min<size_t>(options.chunk, ids.size() - at)),
                                model::Want::all};
    const model::Logits logits = TRY(model->forward({&part, 1}));
    for (uint32_t row = 0; row < logits.rows; ++row) {
      const std::span<const float> values = logits.row(row);
      TRY(out.append({reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()}));
    }
  }
  TRY(out.commit());
  return kExitOk;
}

}  // namespace

Run add_logits(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->model, "a GGUF file, a name in the store, or demo")->required();
  app.add_option("--ids", options->ids, "token ids, such as 1,2,3")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--out", options->out,
                 "float32, little endian: one row of the vocabulary per position")
      ->required();
  app.add_option("--chunk", options->chunk, "tokens per forward pass; the result is the same bits")
      ->check(CLI::Range(uint32_t{1}, kChunkMax))
      ->capture_default_str();
  add_threads_option(app, options->threads);
  add_kv_option(app, options->kv);
  app.footer("Example: sotto logits model.gguf --ids 1,2,3 --out logits.f32");
  return [options] { return run(*options); };
}

}  // namespace sotto::cmd
