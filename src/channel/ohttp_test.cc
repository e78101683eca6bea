// Oblivious HTTP against the specifications' examples, and against whoever stands in the middle.
// SPDX-License-Identifier: Apache-2.0
#include "channel/ohttp.h"

#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "channel/gateway_keys.h"

namespace sotto::channel {
namespace {

std::vector<uint8_t> hex(std::string_view text) {
  return bytes_of_hex(text).value();
}

crypto::X25519Key key_of(std::string_view text) {
  const std::vector<uint8_t> bytes = hex(text);
  std::array<uint8_t, 32> secret{};
  std::copy(bytes.begin(), bytes.end(), secret.begin());
  return crypto::X25519Key::from_private(secret);
}

// A list of one configuration.
KeyConfig config_of(std::string_view text) {
  std::vector<uint8_t> list = hex(text);
  const auto size = static_cast<uint8_t>(list.size());
  list.insert(list.begin(), {0, size});
  const auto configs = parse_key_configs(list);
  EXPECT_TRUE(configs && configs->size() == 1);
  return configs->at(0);
}

constexpr const char* kRequest = "00034745540568747470730b6578616d706c652e636f6d012f";

// [RFC9458 §A]
TEST(Ohttp, gives_the_published_bytes) {
  const KeyConfig config = config_of(
      "01002031e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e79815500080001000100010003");
  EXPECT_EQ(config.id, 1);
  EXPECT_EQ(config.aeads,
            (std::vector{crypto::AeadId::aes_128_gcm, crypto::AeadId::chacha20_poly1305}));
  auto client = ClientExchange::begin(
      config, Form::whole,
      key_of("bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73"));
  ASSERT_TRUE(client);
  const auto sealed = client->seal_request(hex(kRequest)).value();
  EXPECT_EQ(
      hex_of(sealed),
      "010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e4691359"
      "06992e1268c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525");
  const auto header = GatewayExchange::read_header(sealed);
  ASSERT_TRUE(header);
  auto gateway = GatewayExchange::begin(
      *header, Form::whole,
      key_of("3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a"));
  ASSERT_TRUE(gateway);
  const auto opened = gateway->open_request(Bytes(sealed).subspan(kRequestHeaderBytes), 1000);
  ASSERT_TRUE(opened);
  EXPECT_EQ(hex_of(*opened), kRequest);
  gateway->set_response_nonce(hex("c789e7151fcba46158ca84b04464910d"));
  const auto response = gateway->seal_response(hex("0140c8"));
  EXPECT_EQ(hex_of(response),
            "c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd");
  EXPECT_EQ(hex_of(client->open_response(response).value()), "0140c8");
}

// [CHUNKED-OHTTP §A]
TEST(Ohttp, gives_the_published_bytes_in_chunks) {
  const KeyConfig config = config_of(
      "010020668eb21aace159803974a4c67f08b4152d29bed10735fd08f98ccdd6fe09570800080001000100010003");
  auto client = ClientExchange::begin(
      config, Form::chunked,
      key_of("b26d565f3f875ed480d1abced3d665159650c99174fd0b124ac4bda0c64ae324"));
  ASSERT_TRUE(client);
  std::vector<uint8_t> sealed = client->header();
  const std::vector<uint8_t> request = hex(kRequest);
  for (const auto& [from, to, last] :
       {std::tuple(0, 12, false), std::tuple(12, 25, false), std::tuple(25, 25, true)}) {
    const auto chunk = client->seal_chunk(
        Bytes(request).subspan(static_cast<size_t>(from), static_cast<size_t>(to - from)), last);
    sealed.insert(sealed.end(), chunk->begin(), chunk->end());
  }
  EXPECT_EQ(
      hex_of(sealed),
      "010020000100018811eb457e100811c40a0aa71340a1b81d804bb986f736f2f566a7199761a0321c2ad24942d4"
      "d692563012f2980c8fef437a336b9b2fc938ef77a5834f1d2e33d8fd25577afe31bd1c79d094f76b6250ae6549"
      "b473ecd950501311001c6c1395d0ef7c1022297966307b8a7f");
  auto gateway = GatewayExchange::begin(
      GatewayExchange::read_header(sealed).value(), Form::chunked,
      key_of("1c190d72acdbe4dbc69e680503bb781a932c70a12c8f3754434c67d8640d8698"));
  ASSERT_TRUE(gateway);
  EXPECT_EQ(hex_of(gateway->open_request(Bytes(sealed).subspan(kRequestHeaderBytes), 1000).value()),
            kRequest);
  gateway->set_response_nonce(hex("bcce7f4cb921309ba5d62edf1769ef09"));
  std::vector<uint8_t> response;
  for (const auto& [text, last] :
       {std::pair("01", false), std::pair("40c8", false), std::pair("", true)}) {
    const auto chunk = gateway->seal_chunk(hex(text), last);
    response.insert(response.end(), chunk.begin(), chunk.end());
  }
  EXPECT_EQ(
      hex_of(response),
      "bcce7f4cb921309ba5d62edf1769ef091179bf1cc87fa0e2c02de4546945aa3d1e4812b348b5bd4c594c16b617"
      "0b07b475845d1f3200ed9d8a796617a5b27265f4d73247f639");
  // Byte by byte, as a slow network brings it.
  Secret opened;
  for (const uint8_t byte : response) {
    const auto more = client->feed(Bytes(&byte, 1));
    ASSERT_TRUE(more);
    opened.insert(opened.end(), more->begin(), more->end());
  }
  const auto last = client->finish();
  ASSERT_TRUE(last);
  EXPECT_EQ(hex_of(opened), "0140c8");
  EXPECT_TRUE(last->empty());
}

struct Talk {
  GatewayKeys keys{0};
  KeyConfig config = parse_key_configs(keys.configs()).value().at(0);

  // The client with this ephemeral key, which opens what it asked for however often it is made anew.
  ClientExchange client_of(const crypto::X25519Key& ephemeral, Form form) const {
    return ClientExchange::begin(config, form, ephemeral).value();
  }
  GatewayKeys::Opened ask(const crypto::X25519Key& ephemeral, Form form) {
    ClientExchange client = client_of(ephemeral, form);
    std::vector<uint8_t> sealed;
    if (form == Form::whole) {
      sealed = client.seal_request(as_bytes("question")).value();
    } else {
      sealed = client.header();
      const auto chunk = client.seal_chunk(as_bytes("question"), true).value();
      sealed.insert(sealed.end(), chunk.begin(), chunk.end());
    }
    GatewayKeys::Opened opened = keys.open(sealed, form, 1000, 0).value();
    EXPECT_EQ(as_text(opened.request), "question");
    return opened;
  }
};

// What a client makes of a response: the plaintext, or "refused".
std::string read(ClientExchange client, const std::vector<std::vector<uint8_t>>& pieces) {
  std::string out;
  for (const std::vector<uint8_t>& piece : pieces) {
    const auto more = client.feed(piece);
    if (!more) {
      EXPECT_FALSE(client.feed(piece) || client.finish());  // and there is no going on after it
      return "refused";
    }
    out += as_text(*more);
  }
  const auto last = client.finish();
  if (!last) return "refused";
  out += as_text(*last);
  return out;
}

// Somebody in the middle cuts, reorders, doubles, leaves out, or takes pieces of another answer.
TEST(Ohttp, in_chunks_gives_all_of_the_answer_or_an_error) {
  Talk talk;
  const crypto::X25519Key mine = crypto::X25519Key::generate();
  const crypto::X25519Key another = crypto::X25519Key::generate();
  GatewayKeys::Opened gateway = talk.ask(mine, Form::chunked);
  GatewayKeys::Opened other = talk.ask(another, Form::chunked);
  const auto client = [&] { return talk.client_of(mine, Form::chunked); };
  std::vector<std::vector<uint8_t>> pieces;
  std::vector<std::vector<uint8_t>> others;
  for (const char* text : {"one ", "two ", "three "}) {
    pieces.push_back(gateway.exchange.seal_chunk(as_bytes(text), false));
    others.push_back(other.exchange.seal_chunk(as_bytes(text), false));
  }
  pieces.push_back(gateway.exchange.seal_chunk(as_bytes("four"), true));
  others.push_back(other.exchange.seal_chunk(as_bytes("four"), true));
  ASSERT_EQ(read(client(), pieces), "one two three four");
  for (size_t i = 0; i < pieces.size(); ++i) {
    auto cut = pieces;
    cut.resize(i);
    EXPECT_EQ(read(client(), cut), "refused") << "cut before " << i;
    auto without = pieces;
    without.erase(without.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(read(client(), without), "refused") << "without " << i;
    auto doubled = pieces;
    doubled.insert(doubled.begin() + static_cast<ptrdiff_t>(i), pieces[i]);
    EXPECT_EQ(read(client(), doubled), "refused") << "doubled " << i;
    auto spliced = pieces;
    spliced[i] = others[i];
    EXPECT_EQ(read(client(), spliced), "refused") << "spliced " << i;
    for (size_t j = 0; j < i; ++j) {
      auto swapped = pieces;
      std::swap(swapped[i], swapped[j]);
      EXPECT_EQ(read(client(), swapped), "refused") << "swapped " << i << " and " << j;
    }
    for (size_t bit = 0; bit < pieces[i].size() * 8; bit += 5) {
      auto flipped = pieces;
      flipped[i][bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_EQ(read(client(), flipped), "refused") << "bit " << bit << " of " << i;
    }
  }
  auto longer = pieces;
  longer.push_back({0});
  EXPECT_EQ(read(client(), longer), "refused");
  // A chunk that is called the last, and the last that is not called so.
  auto early = pieces;
  early.resize(2);
  early[1][0] = 0;
  EXPECT_EQ(read(client(), early), "refused");
  EXPECT_EQ(read(talk.client_of(another, Form::chunked), pieces), "refused");
}

TEST(Ohttp, whole_opens_only_what_was_sealed) {
  Talk talk;
  const crypto::X25519Key mine = crypto::X25519Key::generate();
  GatewayKeys::Opened gateway = talk.ask(mine, Form::whole);
  ClientExchange client = talk.client_of(mine, Form::whole);
  const std::vector<uint8_t> response = gateway.exchange.seal_response(as_bytes("answer"));
  EXPECT_EQ(as_text(client.open_response(response).value()), "answer");
  for (size_t bit = 0; bit < response.size() * 8; ++bit) {
    std::vector<uint8_t> bad = response;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(client.open_response(bad)) << bit;
  }
  for (size_t size = 0; size < response.size(); ++size) {
    EXPECT_FALSE(client.open_response(Bytes(response).first(size)));
  }
}

TEST(GatewayKeys, open_each_request_once_and_for_their_time) {
  GatewayKeys keys(1000);
  const KeyConfig old = parse_key_configs(keys.configs()).value().at(0);
  const auto seal = [](const KeyConfig& config) {
    return ClientExchange::begin(config, Form::whole).value().seal_request(as_bytes("q")).value();
  };
  const std::vector<uint8_t> request = seal(old);
  for (size_t bit = 0; bit < request.size() * 8; ++bit) {
    std::vector<uint8_t> bad = request;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    // X25519 ignores the last bit of a key, but the key schedule does not.
    EXPECT_FALSE(keys.open(bad, Form::whole, 1000, 1000)) << bit;
  }
  EXPECT_FALSE(keys.open(request, Form::chunked, 1000, 1000));
  EXPECT_TRUE(keys.open(request, Form::whole, 1000, 1000));
  const auto again = keys.open(request, Form::whole, 1000, 1000);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "a request that came before");

  EXPECT_FALSE(keys.rotate(1000 + kKeySeconds - 1));
  EXPECT_TRUE(keys.rotate(1000 + kKeySeconds));
  const KeyConfig told = parse_key_configs(keys.configs()).value().at(0);
  EXPECT_NE(told.key, old.key);
  EXPECT_NE(told.id, old.id);
  const int64_t grace = 1000 + kKeySeconds + kKeyGraceSeconds;
  EXPECT_TRUE(keys.open(seal(told), Form::whole, 1000, grace));
  EXPECT_TRUE(keys.open(seal(old), Form::whole, 1000, grace - 1));
  EXPECT_FALSE(keys.open(request, Form::whole, 1000, grace - 1));  // still remembered
  EXPECT_FALSE(keys.open(seal(old), Form::whole, 1000, grace));
  EXPECT_FALSE(keys.open({}, Form::whole, 1000, 1000));
}

TEST(GatewayKeys, are_few_however_many_requests_come) {
  GatewayKeys keys(0, 8);
  std::vector<KeyConfig> told;
  for (int round = 0; round < 600; ++round) {
    told.push_back(parse_key_configs(keys.configs()).value().at(0));
    for (int i = 0; i < 4; ++i) {
      const auto sealed = ClientExchange::begin(told.back(), Form::whole).value().seal_request({});
      EXPECT_TRUE(keys.open(*sealed, Form::whole, 1000, 0));
    }
    ASSERT_TRUE(keys.rotate(0));  // half of what it opens
  }
  const auto opens = [&](const KeyConfig& config, int64_t now) {
    const auto sealed = ClientExchange::begin(config, Form::whole).value().seal_request({});
    return keys.open(*sealed, Form::whole, 1000, now).has_value();
  };
  EXPECT_TRUE(opens(told.at(599), kKeyGraceSeconds - 1));
  EXPECT_FALSE(
      opens(told.at(599), kKeyGraceSeconds));  // replaced early: only the grace is left to it
  EXPECT_TRUE(opens(told.at(600 - kKeysMax + 1), 0));
  EXPECT_FALSE(opens(told.at(600 - kKeysMax), 0));
  // A key that is full opens nothing more.
  const KeyConfig last = parse_key_configs(keys.configs()).value().at(0);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(opens(last, 0));
  EXPECT_FALSE(opens(last, 0));
}

TEST(KeyConfigs, pass_over_what_is_unknown_and_refuse_what_is_broken) {
  const std::vector<uint8_t> good = GatewayKeys(0).configs();
  ASSERT_TRUE(parse_key_configs(good));
  // One with another KEM in front.
  std::vector<uint8_t> two = {0, 5, 9, 0, 0x10, 1, 2};
  two.insert(two.end(), good.begin(), good.end());
  EXPECT_EQ(parse_key_configs(two).value().size(), 1u);
  EXPECT_EQ(parse_key_configs(Bytes(two).first(7)).error().kind, ErrorKind::unsupported);
  for (size_t size = 1; size < good.size(); ++size) {
    EXPECT_FALSE(parse_key_configs(Bytes(good).first(size))) << size;
  }
  EXPECT_FALSE(parse_key_configs({}));
}

}  // namespace
}  // namespace sotto::channel
