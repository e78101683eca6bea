// Through spdlog, which flushes each line.
// SPDX-License-Identifier: Apache-2.0
#include "serve/request_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>

namespace sotto::serve {
namespace {

int64_t milliseconds(double seconds) {
  return std::llround(seconds * 1e3);
}

}  // namespace

RequestLog::RequestLog(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {
  logger_->set_pattern("%v");
  logger_->flush_on(spdlog::level::info);
}

RequestLog::~RequestLog() = default;

Result<std::unique_ptr<RequestLog>> RequestLog::open(const std::string& path) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (path.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    // spdlog would make it readable for all.
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) {
      return fail(ErrorKind::unavailable, "the log {} cannot be opened: {}", path,
                  std::strerror(errno));
    }
    ::close(file);
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    } catch (const spdlog::spdlog_ex& error) {
      return fail(ErrorKind::unavailable, "the log {} cannot be opened: {}", path, error.what());
    }
  }
  return std::unique_ptr<RequestLog>(
      new RequestLog(std::make_shared<spdlog::logger>("requests", std::move(sink))));
}

void RequestLog::write(const RequestLine& line) {
  boost::json::object out;
  out["time"] = fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)));
  out["request"] = line.id;
  if (!line.key.empty()) out["key"] = line.key;
  out["route"] = line.route;
  if (!line.model.empty()) out["model"] = line.model;
  out["status"] = line.status;
  if (line.gone) out["gone"] = true;
  out["prompt_tokens"] = line.prompt_tokens;
  out["completion_tokens"] = line.completion_tokens;
  out["queue_ms"] = milliseconds(line.queue_seconds);
  out["first_token_ms"] = milliseconds(line.first_token_seconds);
  out["ms"] = milliseconds(line.seconds);
  logger_->info("{}", boost::json::serialize(out));
}

}  // namespace sotto::serve
