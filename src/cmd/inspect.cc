// `sotto inspect`: what a model file holds, and its identity; what evidence says of itself.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "attest/bundle/bundle.h"
#include "base/progress.h"
#include "cmd/commands.h"
#include "cmd/describe_evidence.h"
#include "cmd/evidence_files.h"
#include "cmd/model_source.h"
#include "cmd/options.h"
#include "gguf/load.h"
#include "text/utf8.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;

constexpr size_t kItemsShown = 8;
constexpr size_t kTextBytesShown = 80;

struct Options {
  std::string model;
  std::string kind;
  uint32_t threads = 1;
  bool json = false;
  bool tensors = false;
  bool full = false;
  bool no_identity = false;
};

struct TypeUse {
  uint64_t tensors = 0;
  uint64_t parameters = 0;
  uint64_t bytes = 0;
};

struct Report {
  const Options& options;
  const gguf::Description& model;
  std::map<gguf::TensorType, TypeUse> types;
  TypeUse total;
  std::optional<gguf::ModelIdentity> identity;
};

// Whether a terminal would act on it, or a reader could be misled by it: controls, marks that turn
// the direction of writing, and characters of no width.
bool is_hazardous(uint32_t code_point) {
  const auto in = [code_point](uint32_t first, uint32_t last) {
    return code_point >= first && code_point <= last;
  };
  return code_point < 0x20 || in(0x7F, 0x9F) || in(0x200B, 0x200F) || in(0x2028, 0x202E) ||
         in(0x2060, 0x206F) || code_point == 0x61C || code_point == 0xFEFF;
}

// In quotes, with escapes for all that is hazardous or not UTF-8; cut after `bytes_max` bytes.
std::string quoted(std::string_view text, size_t bytes_max) {
  std::string out = "\"";
  size_t at = 0;
  while (at < text.size() && at < bytes_max) {
    const text::Utf8Sequence next = text::next_utf8(text.substr(at));
    const std::string_view bytes = text.substr(at, next.bytes);
    at += next.bytes;
    if (next.state != text::Utf8Sequence::State::valid) {
      for (const char byte : bytes) out += fmt::format("\\x{:02x}", static_cast<uint8_t>(byte));
    } else if (bytes == "\n") {
      out += "\\n";
    } else if (bytes == "\t") {
      out += "\\t";
    } else if (bytes == "\"" || bytes == "\\") {
      out += "\\";
      out += bytes;
    } else if (is_hazardous(next.code_point)) {
      out += fmt::format("\\u{{{:x}}}", next.code_point);
    } else {
      out += bytes;
    }
  }
  out += "\"";
  if (at < text.size()) out += fmt::format("… ({} bytes)", text.size());
  return out;
}

std::string text_of(const std::string& value, bool full) {
  return quoted(value, full ? std::string::npos : kTextBytesShown);
}
std::string text_of(bool value, bool) {
  return value ? "true" : "false";
}
template <class T>
std::string text_of(T value, bool) {
  return fmt::format("{}", value);
}

std::string text_of(const gguf::Array& array, bool full) {
  return std::visit(
      [full](const auto& items) {
        std::string out = fmt::format("{} items: [", items.size());
        const size_t shown = full ? items.size() : std::min(items.size(), kItemsShown);
        for (size_t i = 0; i < shown; ++i) {
          if (i != 0) out += ", ";
          out += text_of(items[i], full);
        }
        return out + (shown < items.size() ? ", …]" : "]");
      },
      array.items);
}

template <class T>
std::string_view type_name() {
  if constexpr (std::is_same_v<T, std::string>) return "string";
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, float>) return "float32";
  if constexpr (std::is_same_v<T, double>) return "float64";
  if constexpr (std::is_same_v<T, uint8_t>) return "uint8";
  if constexpr (std::is_same_v<T, int8_t>) return "int8";
  if constexpr (std::is_same_v<T, uint16_t>) return "uint16";
  if constexpr (std::is_same_v<T, int16_t>) return "int16";
  if constexpr (std::is_same_v<T, uint32_t>) return "uint32";
  if constexpr (std::is_same_v<T, int32_t>) return "int32";
  if constexpr (std::is_same_v<T, uint64_t>) return "uint64";
  if constexpr (std::is_same_v<T, int64_t>) return "int64";
  return "array";
}

// JSON has no bytes: what is not UTF-8 becomes U+FFFD there.
json::value json_of(const std::string& value) {
  return json::value(text::make_valid_utf8(value));
}
// Nor infinities.
template <class T>
json::value json_of(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) return nullptr;
  }
  return json::value(value);
}

json::object json_entry(const gguf::Metadata::Entry& entry, bool full) {
  json::object out{{"key", entry.key}};
  std::visit(
      [&]<class T>(const T& value) {
        out["type"] = type_name<T>();
        if constexpr (!std::is_same_v<T, gguf::Array>) out["value"] = json_of(value);
      },
      entry.value);
  const auto* array = std::get_if<gguf::Array>(&entry.value);
  if (array == nullptr) return out;
  std::visit(
      [&]<class T>(const std::vector<T>& items) {
        json::array shown;
        for (size_t i = 0; i < items.size() && (full || i < kItemsShown); ++i) {
          shown.push_back(json_of(T(items[i])));
        }
        out["item_type"] = type_name<T>();
        out["item_count"] = items.size();
        out["items"] = std::move(shown);
      },
      array->items);
  return out;
}

json::object json_use(const TypeUse& use) {
  return {{"tensors", use.tensors}, {"parameters", use.parameters}, {"bytes", use.bytes}};
}

json::array json_tensors(const gguf::Description& model) {
  json::array out;
  for (const gguf::TensorInfo& tensor : model.tensors) {
    out.push_back({{"name", tensor.name},
                   {"type", gguf::traits(tensor.type).name},
                   {"shape", json::array(tensor.shape.begin(), tensor.shape.end())},
                   {"file", tensor.file},
                   {"offset", tensor.offset},
                   {"bytes", tensor.bytes}});
  }
  return out;
}

void print_json(const Report& report) {
  json::array files;
  for (size_t i = 0; i < report.model.files.size(); ++i) {
    const gguf::FileInfo& info = report.model.files[i];
    json::object file{{"path", text::make_valid_utf8(info.path.string())}, {"bytes", info.bytes}};
    if (report.identity) file["sha256"] = gguf::to_hex(report.identity->file_sha256[i]);
    files.push_back(std::move(file));
  }
  json::object types;
  for (const auto& [type, use] : report.types) types[gguf::traits(type).name] = json_use(use);
  json::array metadata;
  for (const gguf::Metadata::Entry& entry : report.model.metadata.entries()) {
    metadata.push_back(json_entry(entry, report.options.full));
  }
  json::object out{{"version", report.model.version},
                   {"alignment", report.model.alignment},
                   {"files", std::move(files)},
                   {"total", json_use(report.total)},
                   {"types", std::move(types)},
                   {"metadata", std::move(metadata)},
                   {"tensors", json_tensors(report.model)}};
  if (report.identity) out["model_root"] = gguf::to_hex(report.identity->model_root);
  fmt::print("{}\n", json::serialize(out));
}

std::string shape_text(const std::vector<uint64_t>& shape) {
  return fmt::format("{}", fmt::join(shape, " × "));
}

// "1.12 GB": decimal units, as disks and downloads count.
std::string bytes_text(uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  for (; amount >= 1000 && unit + 1 < std::size(kUnits); ++unit) amount /= 1000;
  return fmt::format("{:.{}f} {}", amount, unit == 0 ? 0 : 2, kUnits[unit]);
}

void print_metadata(const Report& report) {
  const auto& entries = report.model.metadata.entries();
  size_t width = 0;
  for (const gguf::Metadata::Entry& entry : entries) width = std::max(width, entry.key.size());
  width = std::min<size_t>(width, 48);
  fmt::print("\nMetadata ({} keys)\n", entries.size());
  for (const gguf::Metadata::Entry& entry : entries) {
    const std::string value = std::visit(
        [&](const auto& held) { return text_of(held, report.options.full); }, entry.value);
    fmt::print("  {:<{}}  {}\n", entry.key, width, value);
  }
}

void print_tensors(const Report& report) {
  size_t width = 0;
  for (const gguf::TensorInfo& tensor : report.model.tensors) {
    width = std::max(width, tensor.name.size());
  }
  fmt::print("\nTensors ({})\n", report.total.tensors);
  for (const gguf::TensorInfo& tensor : report.model.tensors) {
    fmt::print("  {:<{}}  {:<7}  {:>10}  {}\n", tensor.name, width, gguf::traits(tensor.type).name,
               bytes_text(tensor.bytes), shape_text(tensor.shape));
  }
}

void print_types(const Report& report) {
  if (report.types.empty()) return;
  fmt::print("\nTensor types\n  {:<7}  {:>7}  {:>15}  {:>10}  {:>15}\n", "type", "tensors",
             "parameters", "bytes", "bits/parameter");
  const auto print_row = [](std::string_view name, const TypeUse& use) {
    const double bits = 8.0 * static_cast<double>(use.bytes) /
                        static_cast<double>(std::max<uint64_t>(use.parameters, 1));
    fmt::print("  {:<7}  {:>7}  {:>15}  {:>10}  {:>15.2f}\n", name, use.tensors, use.parameters,
               bytes_text(use.bytes), bits);
  };
  for (const auto& [type, use] : report.types) print_row(gguf::traits(type).name, use);
  if (report.types.size() != 1) print_row("all", report.total);
}

void print_text(const Report& report) {
  for (const gguf::FileInfo& file : report.model.files) {
    const std::string path = file.path.empty() ? report.options.model : file.path.string();
    fmt::print("{}  {}\n", quoted(path, std::string::npos), bytes_text(file.bytes));
  }
  fmt::print("GGUF version {}, alignment {}\n", report.model.version, report.model.alignment);
  print_metadata(report);
  if (report.options.tensors) print_tensors(report);
  print_types(report);
  if (!report.identity) return;
  fmt::print("\nIdentity\n");
  for (const gguf::Digest& digest : report.identity->file_sha256) {
    fmt::print("  file_sha256  {}\n", gguf::to_hex(digest));
  }
  fmt::print("  model_root   {}\n", gguf::to_hex(report.identity->model_root));
}

void print_value(const std::string& name, const json::value& value, size_t depth) {
  const std::string indent(2 * depth, ' ');
  if (value.is_object()) {
    fmt::print("{}{}\n", indent, quoted(name, std::string::npos));
    for (const auto& [inner, one] : value.get_object()) print_value(inner, one, depth + 1);
  } else if (value.is_array()) {
    size_t number = 0;
    for (const json::value& one : value.get_array()) {
      print_value(fmt::format("{} {}", name, number), one, depth);
      ++number;
    }
  } else {
    const std::string text =
        value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    fmt::print("{}{:<20} {}\n", indent, quoted(name, std::string::npos),
               quoted(text, std::string::npos));
  }
}

// Evidence, certificates and logs: what a parser makes of them.
Result<int> show(const Description& found, bool as_json) {
  if (as_json) {
    json::object out{{"kind", found.kind}, {"verified", false}};
    for (const auto& [name, value] : found.fields) out[name] = value;
    fmt::print("{}\n", json::serialize(out));
    return kExitOk;
  }
  fmt::print("{}, as it says of itself: nothing of this is verified\n", found.kind);
  for (const auto& [name, value] : found.fields) print_value(name, value, 1);
  return kExitOk;
}

// Nothing for what may be a model.
std::optional<Description> evidence_in(const std::string& path) {
  const Result<std::vector<uint8_t>> bytes = read_evidence_file(path, attest::kBundleBytesMax);
  if (!bytes || as_text(*bytes).starts_with("GGUF")) return std::nullopt;
  return describe_evidence(*bytes);
}

Result<int> run(const Options& options) {
  if (!options.kind.empty()) {
    const auto bytes = TRY(read_evidence_file(options.model, attest::kBundleBytesMax));
    return show(TRY(describe_as(options.kind, bytes)), options.json);
  }
  if (const auto found = evidence_in(options.model)) return show(*found, options.json);
  const gguf::Source source = TRY(open_model(options.model));
  Report report{options, source.description(), {}, {}, {}};
  for (const gguf::TensorInfo& tensor : source.description().tensors) {
    for (TypeUse* use : {&report.types[tensor.type], &report.total}) {
      use->tensors += 1;
      use->parameters += tensor.elements();
      use->bytes += tensor.bytes;
    }
  }
  if (!options.no_identity) {
    report.identity = TRY(source.read(nullptr, options.threads, terminal_progress("hashing")));
  }
  if (options.json) {
    print_json(report);
  } else {
    print_text(report);
  }
  return kExitOk;
}

}  // namespace

Run add_inspect(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option(
         "FILE", options->model,
         "a model: a GGUF file, a name in the store, or demo; evidence, certificates, a bundle, "
         "an event log")
      ->required();
  app.add_option("--kind", options->kind,
                 "what the file is, where its content does not tell: tdx-quote, event-log, …");
  app.add_flag("--json", options->json, "one JSON object, tensors included, for machines");
  app.add_flag("--tensors", options->tensors, "list every tensor");
  app.add_flag("--full", options->full, "long arrays and texts whole");
  app.add_flag("--no-identity", options->no_identity,
               "show no digests, and so do not read the tensors: at once for any size");
  add_threads_option(app, options->threads);
  app.footer("Example: sotto inspect model.gguf --tensors");
  return [options] { return run(*options); };
}

}  // namespace sotto::cmd
