// A session against nghttp2's own client, byte by byte.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http2_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <optional>

namespace sotto::serve {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Fields = std::vector<std::pair<std::string, std::string>>;

const Fields kGet = {{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/x"}};
const Fields kPost = {
    {":method", "POST"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/p?q=1"}};

// What came back on one stream.
struct Seen {
  std::vector<std::string> statuses;
  std::map<std::string, std::string> fields;
  std::string body;
  bool ended = false;
  std::optional<uint32_t> error;  // once it is closed
};

class Client {
 public:
  explicit Client(const HttpLimits& limits = {}, uint32_t window = 65535) : server(limits) {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_session_client_new2(&session_, calls, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(calls);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  }
  ~Client() { nghttp2_session_del(session_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // A request; its body stays open where `whole` is false.
  int32_t ask(const Fields& fields, std::string body = "", bool whole = true) {
    std::vector<nghttp2_nv> nv;
    for (const auto& [name, value] : fields) {
      nv.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    const bool has_body = !body.empty() || !whole;
    const nghttp2_data_provider provider{{}, read_body};
    const int32_t id = nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(),
                                              has_body ? &provider : nullptr, nullptr);
    bodies_[id] = {std::move(body), whole};
    return id;
  }
  // A request that arrives, and nothing else.
  int32_t ask_and_arrive(const Fields& fields, std::string body = "") {
    const int32_t id = ask(fields, std::move(body));
    talk();
    const auto arrivals = server.arrivals();
    EXPECT_EQ(arrivals.size(), 1u);
    EXPECT_EQ(arrivals.front().stream, id);
    return id;
  }
  void reset(int32_t id) { nghttp2_submit_rst_stream(session_, 0, id, NGHTTP2_CANCEL); }
  void read_on(int32_t id, size_t size) { nghttp2_session_consume(session_, id, size); }

  // Bytes to and fro until neither has any, `piece` at a time.
  void talk(size_t piece = 1 << 20) {
    for (bool moved = true; moved;) {
      moved = false;
      const uint8_t* part = nullptr;
      for (ssize_t size; (size = nghttp2_session_mem_send(session_, &part)) > 0;) {
        const std::string_view sent(reinterpret_cast<const char*>(part), static_cast<size_t>(size));
        for (size_t at = 0; at < sent.size(); at += piece) server.put(sent.substr(at, piece), now);
        moved = true;
      }
      for (std::string back; !(back = server.take()).empty(); moved = true) {
        const ssize_t used = nghttp2_session_mem_recv(
            session_, reinterpret_cast<const uint8_t*>(back.data()), back.size());
        EXPECT_EQ(used, static_cast<ssize_t>(back.size()));
      }
    }
  }
  bool told_to_leave() const { return goaway_.has_value(); }
  uint32_t goaway() const { return *goaway_; }

  Http2Session server;
  Http2Session::Clock::time_point now{};
  std::map<int32_t, Seen> seen;

 private:
  struct Body {
    std::string rest;
    bool whole;
  };
  static uint8_t* bytes(const std::string& text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  }
  static ssize_t read_body(nghttp2_session*, int32_t id, uint8_t* into, size_t room,
                           uint32_t* flags, nghttp2_data_source*, void* user) {
    Body& body = static_cast<Client*>(user)->bodies_[id];
    const size_t size = std::min(room, body.rest.size());
    if (size == 0 && !body.whole) return NGHTTP2_ERR_DEFERRED;
    std::copy_n(body.rest.begin(), size, into);
    body.rest.erase(0, size);
    if (body.rest.empty() && body.whole) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    Seen& seen = static_cast<Client*>(user)->seen[frame->hd.stream_id];
    const std::string key(name, name + name_size), text(value, value + value_size);
    key == ":status" ? seen.statuses.push_back(text) : void(seen.fields[key] = text);
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                     void* user) {
    static_cast<Client*>(user)->seen[id].body.append(data, data + size);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto* self = static_cast<Client*>(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) self->goaway_ = frame->goaway.error_code;
    const bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (ends && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      self->seen[frame->hd.stream_id].ended = true;
    }
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t error, void* user) {
    static_cast<Client*>(user)->seen[id].error = error;
    return 0;
  }

  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Body> bodies_;
  std::optional<uint32_t> goaway_;
};

HttpAnswer text(std::string body) {
  HttpAnswer answer;
  answer.fields.emplace_back("content-type", "text/plain");
  answer.body = std::move(body);
  return answer;
}

TEST(Http2Session, carries_requests_and_answers_however_bytes_are_cut) {
  for (const size_t piece : {1, 7, 100000}) {
    Client client;
    const int32_t get = client.ask(kGet);
    const int32_t post = client.ask(kPost, std::string(100000, 'a'));
    client.talk(piece);
    const auto arrivals = client.server.arrivals();
    ASSERT_EQ(arrivals.size(), 2u);
    EXPECT_EQ(arrivals[0].stream, get);
    EXPECT_EQ(arrivals[0].request.method, "GET");
    EXPECT_EQ(arrivals[0].request.path, "/x");
    EXPECT_EQ(arrivals[0].request.field("host"), "h");
    EXPECT_EQ(arrivals[1].request.query, "q=1");
    EXPECT_EQ(arrivals[1].request.body_text(), std::string(100000, 'a'));
    client.server.answer(post, text("second"), true);  // in any order
    client.server.answer(get, text("a"), false);
    client.talk(piece);
    EXPECT_FALSE(client.seen[get].ended);
    client.server.write(get, "bc");
    client.server.finish(get);
    client.talk(piece);
    EXPECT_EQ(client.seen[get].body, "abc");
    EXPECT_EQ(client.seen[post].body, "second");
    EXPECT_EQ(client.seen[post].fields["content-length"], "6");
    EXPECT_EQ(client.seen[post].fields["content-type"], "text/plain");
    EXPECT_FALSE(client.seen[post].fields["date"].empty());
    EXPECT_EQ(client.seen[get].error, NGHTTP2_NO_ERROR);
    client.server.release(get, client.now);
    client.server.release(post, client.now);
    EXPECT_EQ(client.server.streams(), 0u);
    EXPECT_EQ(client.server.body_bytes(), 0u);
  }
}

TEST(Http2Session, answers_head_without_a_body) {
  Client client;
  Fields fields = kGet;
  fields[0].second = "HEAD";
  const int32_t one = client.ask(fields), two = client.ask(fields);
  client.talk();
  ASSERT_EQ(client.server.arrivals().size(), 2u);
  client.server.answer(one, text("abc"), true);
  client.server.answer(two, text("abc"), false);
  client.server.write(two, "def");
  client.server.finish(two);
  client.talk();
  EXPECT_EQ(client.seen[one].fields["content-length"], "3");
  EXPECT_EQ(client.seen[one].body + client.seen[two].body, "");
  EXPECT_TRUE(client.seen[one].ended && client.seen[two].ended);
}

TEST(Http2Session, sends_what_the_clients_window_takes) {
  Client client({}, 10);
  const int32_t id = client.ask_and_arrive(kGet);
  client.server.answer(id, text("0123456789abcdef"), true);
  client.talk();
  EXPECT_EQ(client.seen[id].body, "0123456789");
  EXPECT_EQ(client.server.pending(id), 6u);
  client.read_on(id, 10);
  client.talk();
  EXPECT_EQ(client.seen[id].body, "0123456789abcdef");
  EXPECT_TRUE(client.seen[id].ended);
}

// What is refused, with which status; the other streams go on.
TEST(Http2Session, refuses_what_is_too_large_or_not_understood) {
  HttpLimits limits;
  limits.header_bytes_max = 400;
  limits.body_bytes_max = 1000;
  const auto with = [](Fields fields, const char* name, std::string value) {
    fields.emplace_back(name, std::move(value));
    return fields;
  };
  const Fields connect = {{":method", "CONNECT"}, {":authority", "h:1"}};
  const std::tuple<Fields, size_t, const char*> cases[] = {
      {with(kGet, "a", std::string(400, 'a')), 0, "431"},
      {with(kPost, "content-length", "1001"), 1001, "413"},
      {kPost, 1001, "413"},
      {with(kPost, "expect", "tea"), 1, "417"},
      {connect, 0, "501"}};
  for (const auto& [fields, size, status] : cases) {
    Client client(limits);
    const int32_t id = client.ask(fields, std::string(size, 'a'));
    client.talk();
    EXPECT_TRUE(client.server.arrivals().empty()) << status;
    EXPECT_THAT(client.seen[id].statuses, ElementsAre(status));
    EXPECT_TRUE(client.seen[id].ended);
    client.ask_and_arrive(kGet);
  }
  limits.body_bytes_max = 200000;  // beyond a stream's window, and its length not said
  Client unsaid(limits);
  const int32_t endless = unsaid.ask(kPost, std::string(300000, 'a'));
  unsaid.talk();
  EXPECT_THAT(unsaid.seen[endless].statuses, ElementsAre("413"));
  Client client(limits);
  const int32_t largest = client.ask(kPost, std::string(200000, 'a'));
  client.talk();
  EXPECT_EQ(client.server.arrivals().size(), 1u);
  EXPECT_FALSE(client.server.cut_off(largest));
}

TEST(Http2Session, ends_streams_whose_header_is_not_http) {
  const Fields bad[] = {{{":method", "GET"}, {":scheme", "http"}, {":path", "/x"}},  // no host
                        {{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}},
                        {{":method", "GET"},
                         {":scheme", "http"},
                         {":authority", "h"},
                         {":path", "/x"},
                         {"transfer-encoding", "chunked"}},
                        {{":method", "GET"},
                         {":scheme", "http"},
                         {":authority", "h"},
                         {":path", "/x"},
                         {"a", "b\nc"}}};
  for (const Fields& fields : bad) {
    Client client;
    const int32_t id = client.ask(fields);
    client.talk();
    EXPECT_TRUE(client.server.arrivals().empty());
    EXPECT_TRUE(client.seen[id].error.has_value() || client.told_to_leave());
    EXPECT_TRUE(client.seen[id].statuses.empty());
    EXPECT_EQ(client.server.streams(), 0u);
  }
}

TEST(Http2Session, asks_for_the_body_where_the_client_waits_for_it) {
  Client client;
  Fields fields = kPost;
  fields.emplace_back("expect", "100-continue");
  const int32_t id = client.ask(fields, "abc", false);
  client.talk();
  EXPECT_THAT(client.seen[id].statuses, ElementsAre("100"));
  EXPECT_TRUE(client.server.arrivals().empty());
}

// Bodies wait within one largest body and a window of each stream; all come to their end, with their length said
// beforehand or not.
TEST(Http2Session, bounds_what_waits_of_all_bodies) {
  HttpLimits limits;
  limits.body_bytes_max = 100000;
  Client client(limits);
  constexpr size_t kBodies = 40;
  for (size_t i = 0; i < kBodies; ++i) {
    Fields fields = kPost;
    if (i % 2 == 0) fields.emplace_back("content-length", "90000");
    client.ask(fields, std::string(90000, 'a'));
  }
  client.talk();
  size_t done = 0;
  while (done < kBodies) {
    EXPECT_LE(client.server.body_bytes(), 100000u + 65535u * kBodies);
    const auto arrivals = client.server.arrivals();
    ASSERT_FALSE(arrivals.empty()) << "stuck after " << done;
    EXPECT_LE(arrivals.size(), 4u);
    for (const auto& arrival : arrivals) {
      EXPECT_EQ(arrival.request.body.size(), 90000u);
      client.server.answer(arrival.stream, text("ok"), true);
      client.server.release(arrival.stream, client.now);
      ++done;
    }
    client.talk();
  }
  EXPECT_EQ(client.server.body_bytes(), 0u);
}

// Whoever waits for room is not late; whoever has it and does not use it is.
TEST(Http2Session, does_not_count_the_wait_for_room) {
  HttpLimits limits;
  limits.body_bytes_max = 300000;
  Client client(limits);
  const int32_t first = client.ask(kPost, std::string(300000, 'a'));
  const int32_t second = client.ask(kPost, std::string(299999, 'a'), false);
  client.talk();
  ASSERT_EQ(client.server.arrivals().size(), 1u);
  client.now += 10 * limits.body_time_max;
  client.server.expire(client.now);
  client.talk();
  EXPECT_TRUE(client.seen[second].statuses.empty());
  client.server.answer(first, text("ok"), true);
  client.server.release(first, client.now);
  client.talk();
  EXPECT_EQ(client.server.body_bytes(), 299999u);
  EXPECT_EQ(client.server.next_deadline(), client.now + limits.body_time_max);
  client.now += limits.body_time_max;
  client.server.expire(client.now);
  client.talk();
  EXPECT_THAT(client.seen[second].statuses, ElementsAre("408"));
}

TEST(Http2Session, tells_that_a_client_took_its_request_back) {
  Client client;
  const int32_t id = client.ask_and_arrive(kGet);
  client.server.answer(id, text("a"), false);
  client.talk();
  EXPECT_FALSE(client.server.cut_off(id));
  client.reset(id);
  client.talk();
  EXPECT_TRUE(client.server.cut_off(id));
  client.server.write(id, "more");  // is dropped
  client.server.finish(id);
  EXPECT_EQ(client.server.take(), "");
  client.server.release(id, client.now);
  EXPECT_EQ(client.server.streams(), 0u);
}

TEST(Http2Session, says_that_an_answer_will_not_be_whole) {
  Client client;
  const int32_t id = client.ask_and_arrive(kGet);
  client.server.answer(id, text("a"), false);
  client.server.reset(id);
  client.server.release(id, client.now);
  client.talk();
  EXPECT_EQ(client.seen[id].error, NGHTTP2_INTERNAL_ERROR);
  EXPECT_FALSE(client.seen[id].ended);
}

// A client that opens and resets gets no more handlers than twice its streams, and then is sent away.
TEST(Http2Session, bounds_a_flood_of_resets) {
  Client client;
  client.talk();
  size_t arrived = 0;
  for (int i = 0; i < 3000 && !client.told_to_leave(); ++i) {
    const int32_t id = client.ask(kGet);
    client.talk();
    arrived += client.server.arrivals().size();  // and no handler comes back
    client.reset(id);
    client.talk();
    ASSERT_LE(client.server.streams(), 2 * kHttp2StreamsMax);
  }
  EXPECT_EQ(arrived, 2 * kHttp2StreamsMax);
}

TEST(Http2Session, waits_for_nobody_for_long) {
  HttpLimits limits;
  Client slow_body(limits);
  const int32_t id = slow_body.ask(kPost, "abc", false);
  slow_body.talk();
  EXPECT_EQ(slow_body.server.next_deadline(), slow_body.now + limits.body_time_max);
  slow_body.now += limits.body_time_max;
  slow_body.server.expire(slow_body.now);
  slow_body.talk();
  EXPECT_THAT(slow_body.seen[id].statuses, ElementsAre("408"));
  slow_body.now += limits.linger_time_max;
  slow_body.server.expire(slow_body.now);
  slow_body.talk();
  EXPECT_EQ(slow_body.seen[id].error, NGHTTP2_NO_ERROR);
  EXPECT_EQ(slow_body.server.streams(), 0u);

  Client slow_header(limits);
  slow_header.talk();
  // HEADERS of stream 1 without END_HEADERS: ":method: GET" and no more.
  slow_header.server.put(std::string("\0\0\1\1\0\0\0\0\1\x82", 10), slow_header.now);
  EXPECT_EQ(slow_header.server.next_deadline(), slow_header.now + limits.header_time_max);
  slow_header.now += limits.header_time_max;
  slow_header.server.expire(slow_header.now);
  slow_header.talk();
  EXPECT_EQ(slow_header.goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(slow_header.server.done());

  Client slow_reader(limits, 0);
  const int32_t unread = slow_reader.ask_and_arrive(kGet);
  slow_reader.server.answer(unread, text("abc"), true);
  slow_reader.server.release(unread, slow_reader.now);
  slow_reader.talk();
  slow_reader.now += limits.write_time_max;
  slow_reader.server.expire(slow_reader.now);
  slow_reader.talk();
  EXPECT_EQ(slow_reader.server.streams(), 0u);
}

TEST(Http2Session, comes_to_an_end) {
  Client client;
  const int32_t id = client.ask_and_arrive(kGet);
  client.server.leave();
  client.talk();
  EXPECT_EQ(client.goaway(), NGHTTP2_NO_ERROR);
  EXPECT_FALSE(client.server.done());
  client.server.answer(id, text("the last"), true);
  client.server.release(id, client.now);
  client.talk();
  EXPECT_EQ(client.seen[id].body, "the last");
  EXPECT_TRUE(client.server.done());

  Http2Session other({});
  other.put("GET / HTTP/1.1\r\nHost: h\r\n\r\n", {});
  EXPECT_TRUE(other.done());
}

}  // namespace
}  // namespace sotto::serve
