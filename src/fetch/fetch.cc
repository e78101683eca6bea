// libcurl's easy interface.
// SPDX-License-Identifier: Apache-2.0
#include "fetch/fetch.h"

#include <curl/curl.h>

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::fetch {
namespace {

constexpr size_t kFieldsMax = 256;
constexpr size_t kFieldBytesMax = 64 << 10;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  return text;
}

// One request while it runs; libcurl's callbacks get it.
struct Transfer {
  const Request& request;
  CURL* curl;
  Answer answer;
  size_t field_bytes = 0;
  uint64_t bytes = 0;
  bool head_told = false;
  ErrorKind why = ErrorKind::unavailable;  // where we ended it ourselves
  bool ended = false;

  bool end(ErrorKind kind) {
    ended = true;
    why = kind;
    return false;
  }

  bool tell_head() {
    if (head_told) return true;
    head_told = true;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<uint32_t>(status);
    if (request.on_head && !request.on_head(answer.status, answer.fields)) {
      return end(ErrorKind::cancelled);
    }
    return true;
  }

  bool take_field(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // of an interim answer before it
      answer.fields.clear();
      return true;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    field_bytes += line.size();
    if (answer.fields.size() == kFieldsMax || field_bytes > kFieldBytesMax) {
      return end(ErrorKind::exhausted);
    }
    answer.fields.emplace_back(lower(line.substr(0, colon)),
                               std::string(trimmed(line.substr(colon + 1))));
    return true;
  }

  bool take_bytes(std::string_view part) {
    bytes += part.size();
    if (bytes > request.answer_bytes_max) return end(ErrorKind::exhausted);
    if (!tell_head()) return false;
    if (request.on_bytes) return request.on_bytes(part) || end(ErrorKind::cancelled);
    answer.body.insert(answer.body.end(), part.begin(), part.end());
    return true;
  }
};

size_t on_field(char* data, size_t size, size_t count, void* user) {
  const bool more = static_cast<Transfer*>(user)->take_field({data, size * count});
  return more ? size * count : 0;
}

size_t on_bytes(char* data, size_t size, size_t count, void* user) {
  const bool more = static_cast<Transfer*>(user)->take_bytes({data, size * count});
  return more ? size * count : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* transfer = static_cast<Transfer*>(user);
  const bool stop = transfer->request.cancelled && transfer->request.cancelled();
  if (stop) transfer->end(ErrorKind::cancelled);
  return stop ? 1 : 0;
}

ErrorKind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorKind::expired;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return ErrorKind::untrusted;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorKind::malformed;
    default:
      return ErrorKind::unavailable;
  }
}

void set_trust(CURL* curl, const Request& request) {
  const bool system = request.trust == Trust::system;
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, system ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, system ? 2L : 0L);
  if (request.trust != Trust::pinned) return;
  const std::string pin = "sha256//" + base64_of(request.pinned_spki_sha256, Base64::standard);
  curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin.c_str());
}

void set_limits(CURL* curl, const Request& request) {
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.connect_limit.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_limit.count()));
  if (request.silence_limit.count() != 0) {
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(request.silence_limit.count()));
  }
  if (!request.use_proxy) curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

void set_body(CURL* curl, const Request& request) {
  if (request.method == "GET") return;
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                   request.body.empty() ? "" : reinterpret_cast<const char*>(request.body.data()));
}

// What libcurl would take, and should not be sent.
Result<void> check_request(const Request& request, const Url& url) {
  if (request.trust == Trust::pinned && url.scheme != "https") {
    return fail(ErrorKind::malformed, "{}: a pinned key needs https", url.authority);
  }
  // Else a value could end its field and begin another, or another request.
  constexpr std::string_view kEnds{"\r\n\0", 3};
  for (const auto& [name, value] : request.fields) {
    if (name.empty() || name.find_first_of(kEnds) != std::string::npos ||
        value.find_first_of(kEnds) != std::string::npos) {
      return fail(ErrorKind::malformed, "{}: a request's field has a line end or a zero byte",
                  url.authority);
    }
  }
  return {};
}

}  // namespace

struct Fetcher::State {
  CURL* curl = nullptr;
};

Fetcher::Fetcher() : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  state_->curl = curl_easy_init();
  CHECK(state_->curl != nullptr);
}

Fetcher::~Fetcher() {
  curl_easy_cleanup(state_->curl);
}

Result<Answer> Fetcher::get(const Request& request) {
  const Url url = TRY(parse_url(request.url));
  TRY(check_request(request, url));
  CURL* curl = state_->curl;
  curl_easy_reset(curl);  // the connection stays
  Transfer transfer{.request = request, .curl = curl, .answer = {}};
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!request.unix_socket.empty()) {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  }
  set_trust(curl, request);
  set_limits(curl, request);
  set_body(curl, request);
  curl_slist* fields = curl_slist_append(nullptr, "Expect:");  // no waiting for a 100
  for (const auto& [name, value] : request.fields) {
    // A field without a value ends with a semicolon in libcurl's notation.
    fields = curl_slist_append(fields, (name + (value.empty() ? ";" : ": " + value)).c_str());
  }
  CHECK(fields != nullptr);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_field);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(fields);
  if (transfer.ended || (code == CURLE_OK && !transfer.tell_head())) {
    return fail(transfer.why, "{}: the answer was {}", url.authority,
                transfer.why == ErrorKind::exhausted ? "too large" : "not waited for");
  }
  if (code != CURLE_OK) {
    return fail(kind_of(code), "{}: {}", url.authority, curl_easy_strerror(code));
  }
  return std::move(transfer.answer);
}

std::string_view Answer::field(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, [](const auto& one) { return one.first; });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

Result<Url> parse_url(std::string_view text) {
  const size_t colon = text.find("://");
  Url url;
  url.scheme = lower(text.substr(0, colon == std::string_view::npos ? 0 : colon));
  if (url.scheme != "http" && url.scheme != "https") {
    return fail(ErrorKind::malformed, "a URL begins with http:// or https://");
  }
  const std::string_view rest = text.substr(colon + 3);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  url.authority = std::string(rest.substr(0, end));
  url.path = std::string(rest.substr(end));
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  const bool good = !url.authority.empty() && url.authority.find('@') == std::string::npos &&
                    std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  if (!good) return fail(ErrorKind::malformed, "a URL is like https://HOST[:PORT][/PATH]");
  return url;
}

}  // namespace sotto::fetch
