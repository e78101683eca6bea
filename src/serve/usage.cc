// One table, one row for each key and day.
// SPDX-License-Identifier: Apache-2.0
#include "serve/usage.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <unistd.h>

namespace sotto::serve {

struct Usage::Impl {
  explicit Impl(const std::string& path)
      : database(path, SQLite::OPEN_READWRITE, 5000),
        // A write-ahead log: a commit is one append, and what was appended outlives the program.
        made(
            (database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                           "CREATE TABLE IF NOT EXISTS usage (key TEXT NOT NULL, day TEXT NOT NULL,"
                           " requests INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,"
                           " completion_tokens INTEGER NOT NULL, PRIMARY KEY (key, day)) STRICT"),
             true)),
        insert(database,
               "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key, day) DO UPDATE SET"
               " requests = requests + ?3, prompt_tokens = prompt_tokens + ?4,"
               " completion_tokens = completion_tokens + ?5"),
        total(database,
              "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage"
              " WHERE key = ?1") {}

  SQLite::Database database;
  bool made;
  SQLite::Statement insert;
  SQLite::Statement total;
};

namespace {

// Runs what may throw, as SQLiteCpp does.
template <class F>
auto guarded(F&& run) -> Result<decltype(run())> {
  try {
    if constexpr (std::is_void_v<decltype(run())>) {
      run();
      return {};
    } else {
      return run();
    }
  } catch (const SQLite::Exception& error) {
    return fail(ErrorKind::unavailable, "the usage database: {}", error.what());
  }
}

}  // namespace

Usage::Usage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Usage::~Usage() = default;

Result<std::unique_ptr<Usage>> Usage::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return fail(ErrorKind::unavailable, "the usage database {} cannot be opened", path.string());
  }
  ::close(file);
  std::unique_ptr<Impl> impl = TRY(guarded([&] { return std::make_unique<Impl>(path.string()); }));
  return std::unique_ptr<Usage>(new Usage(std::move(impl)));
}

Result<void> Usage::add(const UsageRow& row) {
  const std::lock_guard lock(mutex_);
  return guarded([&] {
    SQLite::Statement& insert = impl_->insert;
    insert.reset();
    insert.bind(1, row.key);
    insert.bind(2, row.day);
    insert.bind(3, static_cast<int64_t>(row.requests));
    insert.bind(4, static_cast<int64_t>(row.prompt_tokens));
    insert.bind(5, static_cast<int64_t>(row.completion_tokens));
    insert.exec();
    insert.reset();
  });
}

Result<uint64_t> Usage::total_tokens(std::string_view key) {
  const std::lock_guard lock(mutex_);
  return guarded([&] {
    SQLite::Statement& total = impl_->total;
    total.reset();
    total.bind(1, std::string(key));
    total.executeStep();
    const int64_t tokens = total.getColumn(0).getInt64();
    total.reset();
    return static_cast<uint64_t>(tokens);
  });
}

Result<std::vector<UsageRow>> Usage::rows() {
  const std::lock_guard lock(mutex_);
  return guarded([&] {
    std::vector<UsageRow> rows;
    SQLite::Statement all(impl_->database, "SELECT * FROM usage ORDER BY key, day");
    while (all.executeStep()) {
      UsageRow row;
      row.key = all.getColumn(0).getString();
      row.day = all.getColumn(1).getString();
      row.requests = static_cast<uint64_t>(all.getColumn(2).getInt64());
      row.prompt_tokens = static_cast<uint64_t>(all.getColumn(3).getInt64());
      row.completion_tokens = static_cast<uint64_t>(all.getColumn(4).getInt64());
      rows.push_back(std::move(row));
    }
    return rows;
  });
}

}  // namespace sotto::serve
