// Binary HTTP: the specification's examples, both forms, any cut.
// SPDX-License-Identifier: Apache-2.0
#include "channel/binary_http.h"

#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "channel/padding.h"

namespace sotto::channel {
namespace {

std::vector<uint8_t> hex(std::string_view text) {
  return bytes_of_hex(text).value();
}

std::string read_all(Bytes bytes, size_t piece) {
  BinaryResponseReader reader(1000);
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)))) return "refused";
    out += as_text(reader.take_content());
  }
  if (!reader.finish()) return "refused";
  return fmt::format("{} {} {}", reader.status(), reader.fields().size(), out);
}

BinaryRequest example() {
  BinaryRequest request;
  request.method = "POST";
  request.scheme = "https";
  request.authority = "example.com";
  request.path = "/v1/chat/completions?x=1";
  request.fields = {{"content-type", "application/json"}, {"x-empty", ""}};
  const std::string content(70000, 'c');
  request.content.assign(content.begin(), content.end());
  return request;
}

// The request of [RFC9292 §5.1], first in known-length form, then in indeterminate-length form with
// ten zeros behind it.
TEST(BinaryHttp, reads_the_published_requests) {
  const char* known =
      "0003474554056874747073000a2f68656c6c6f2e747874406c0a757365722d6167656e74346375726c2f372e3136"
      "2e33206c69626375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f"
      "73740f7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d690000";
  const char* indeterminate =
      "0203474554056874747073000a2f68656c6c6f2e7478740a757365722d6167656e74346375726c2f372e31362e33"
      "206c69626375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f7374"
      "0f7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d6900000000000000"
      "000000000000";
  for (const char* text : {known, indeterminate}) {
    const auto request = decode_request(hex(text), 1000);
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(request->scheme, "https");
    EXPECT_EQ(request->authority, "");
    EXPECT_EQ(request->path, "/hello.txt");
    ASSERT_EQ(request->fields.size(), 3u);
    EXPECT_EQ(request->fields[1], std::pair(std::string("host"), std::string("www.example.com")));
    EXPECT_EQ(request->fields[2].second, "en, mi");
  }
}

TEST(BinaryHttp, reads_back_what_it_writes) {
  const BinaryRequest request = example();
  const Secret bytes = encode(request);
  const auto read = decode_request(bytes, 70000);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->method, request.method);
  EXPECT_EQ(read->path, request.path);
  EXPECT_EQ(read->fields, request.fields);
  EXPECT_EQ(read->content, request.content);
  EXPECT_EQ(decode_request(bytes, 69999).error().kind, ErrorKind::exhausted);

  std::vector<uint8_t> response = encode_head(200, {{"content-type", "text/plain"}, {"a", "b"}});
  for (const char* text : {"one ", "", "two"}) {
    const auto piece = encode_content(text);
    response.insert(response.end(), piece.begin(), piece.end());
  }
  const std::vector<uint8_t> open = response;
  const auto end = encode_end(9);
  response.insert(response.end(), end.begin(), end.end());
  for (size_t piece : {1u, 2u, 7u, 1000u}) {
    EXPECT_EQ(read_all(response, piece), "200 2 one two") << piece;
  }
  EXPECT_EQ(read_all(open, 1), "200 2 one two");  // empty parts at the end may be missing
  EXPECT_EQ(read_all(Bytes(open).first(open.size() - 1), 1), "refused");
  response.back() = 1;
  EXPECT_EQ(read_all(response, 1000), "refused");
}

TEST(BinaryHttp, reads_responses_of_known_length) {
  EXPECT_EQ(read_all(hex("0140c8"), 1), "200 0 ");  // [RFC9458 §A]: cut behind the status
  EXPECT_EQ(read_all(hex("0140c8000568656c6c6f00"), 1), "200 0 hello");
  EXPECT_EQ(read_all(hex("0140c8000568656c6c6f"), 3), "200 0 hello");
  EXPECT_EQ(read_all(hex("0140c8000568656c6c"), 3), "refused");
  EXPECT_EQ(read_all(hex("0140c80403612d6200"), 3), "refused");  // fields beyond their section
  EXPECT_EQ(read_all(hex("014064"), 3), "refused");              // 100
  EXPECT_EQ(read_all(hex("00"), 1), "refused");                  // a request
  EXPECT_EQ(read_all({}, 1), "refused");
}

TEST(BinaryHttp, refuses_requests_that_could_be_read_two_ways) {
  const auto bad = [](const std::function<void(BinaryRequest&)>& change) {
    BinaryRequest request = example();
    change(request);
    return decode_request(encode(request), 1 << 20).has_value();
  };
  EXPECT_TRUE(bad([](BinaryRequest&) {}));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.method = "get"; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.method = "GET /"; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.scheme = "file"; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.path = "v1"; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.path = "/a\r\nb"; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.path = "/" + std::string(kControlBytesMax, 'a'); }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.fields = {{"Upper", "a"}}; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.fields = {{"a b", "a"}}; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.fields = {{"a", "b\nc"}}; }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.fields.assign(kFieldsMax + 1, {"a", "b"}); }));
  EXPECT_FALSE(bad([](BinaryRequest& r) { r.fields = {{"a", std::string(kFieldBytesMax, 'b')}}; }));
}

TEST(Padding, fills_buckets_and_comes_out_again) {
  EXPECT_EQ(bucket_of(0), 512u);
  EXPECT_EQ(bucket_of(512), 512u);
  EXPECT_EQ(bucket_of(513), 1024u);
  EXPECT_EQ(bucket_of(16385), 32768u);
  std::string stream;
  std::string padded;
  for (const char* text : {"a", "some more words than before", "\\\"\\\""}) {
    const std::string event = fmt::format("data: {{\"x\":\"{}\"}}\n\n", text);
    const std::string piece = pad_events(event, Padding::bucket);
    EXPECT_EQ(piece.size(), 512u);
    stream += event;
    padded += piece;
  }
  EXPECT_EQ(without_padding(padded), stream);
  EXPECT_EQ(pad_events("x", Padding::off), "x");
  EXPECT_EQ(pad_events(std::string(507, 'x'), Padding::bucket).size(), 512u);
  EXPECT_EQ(pad_events(std::string(508, 'x'), Padding::bucket).size(), 1024u);
}

}  // namespace
}  // namespace sotto::channel
