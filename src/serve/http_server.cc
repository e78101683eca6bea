// Accepting connections, and ending them.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http_server.h"

#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "serve/http_error.h"
#include "serve/tls_conn.h"

namespace sotto::serve {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using Generic = asio::generic::stream_protocol;  // vsock, which Asio has no name for
template <class Protocol>
using Acceptor = asio::basic_socket_acceptor<Protocol>;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{100};  // when files or memory have run out
constexpr std::chrono::milliseconds kPoll{10};

}  // namespace

struct HttpServer::Impl {
  struct Listener {
    Address address;
    Handler handler;
    std::shared_ptr<const crypto::TlsServer> tls;
    std::function<void()> close;
  };

  Impl(const HttpLimits& the_limits, uint32_t the_threads)
      : limits(the_limits), threads(the_threads), io(static_cast<int>(the_threads)) {}

  template <class Protocol>
  Result<Acceptor<Protocol>> open(const typename Protocol::endpoint& endpoint,
                                  const Address& address);
  template <class Protocol>
  Awaitable<void> accept(std::shared_ptr<Acceptor<Protocol>> acceptor, const Listener& listener);
  void admit(asio::generic::stream_protocol::socket socket, const Listener& listener);
  template <class Protocol>
  void begin(Acceptor<Protocol> acceptor, Listener how);
  void for_connections(void (Connection::*what)());

  const HttpLimits limits;
  const uint32_t threads;
  ConnectionCounts counts;
  asio::io_context io;
  std::list<Listener> listeners;  // stay where they are
  std::mutex mutex;
  std::vector<std::weak_ptr<Connection>> connections;  // guarded by the mutex
  bool stopping = false;                               // guarded by the mutex
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::vector<std::thread> running;
};

template <class Protocol>
Result<Acceptor<Protocol>> HttpServer::Impl::open(const typename Protocol::endpoint& endpoint,
                                                  const Address& address) {
  Acceptor<Protocol> acceptor(io);
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error && address.kind == Address::Kind::tcp) {
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return acceptor;
  return fail(ErrorKind::unavailable, "cannot listen at {}: {}", address.to_string(),
              error.message());
}

void HttpServer::Impl::admit(asio::generic::stream_protocol::socket socket,
                             const Listener& listener) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::send_buffer_size(static_cast<int>(limits.send_buffer_bytes)),
                    ignored);
  if (counts.open >= limits.connections_max) return;  // closed as it goes
  std::unique_ptr<Conn> conn = make_socket_conn(std::move(socket));
  if (listener.tls != nullptr) conn = make_tls_conn(std::move(conn), listener.tls);
  const auto connection =
      std::make_shared<Connection>(std::move(conn), listener.handler, limits, counts);
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    std::erase_if(connections, [](const auto& weak) { return weak.expired(); });
    connections.push_back(connection);
  }
  connection->start();
}

template <class Protocol>
Awaitable<void> HttpServer::Impl::accept(std::shared_ptr<Acceptor<Protocol>> acceptor,
                                         const Listener& listener) {
  asio::steady_timer pause(io);
  for (;;) {
    typename Protocol::socket socket(asio::make_strand(io));
    const auto [error] = co_await acceptor->async_accept(socket, kAwait);
    if (!acceptor->is_open()) co_return;
    if (error) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kAwait);
      continue;
    }
    if constexpr (std::is_same_v<Protocol, tcp>) {
      boost::system::error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
    }
    admit(asio::generic::stream_protocol::socket(std::move(socket)), listener);
  }
}

template <class Protocol>
void HttpServer::Impl::begin(Acceptor<Protocol> acceptor, Listener how) {
  auto shared = std::make_shared<Acceptor<Protocol>>(std::move(acceptor));
  Listener& listener = listeners.emplace_back(std::move(how));
  const auto strand = asio::make_strand(io);
  listener.close = [shared, strand] {
    asio::post(strand, [shared] {
      boost::system::error_code ignored;
      shared->close(ignored);
    });
  };
  asio::co_spawn(
      strand, [this, shared, &listener] { return accept<Protocol>(shared, listener); },
      asio::detached);
}

void HttpServer::Impl::for_connections(void (Connection::*what)()) {
  const std::lock_guard lock(mutex);
  for (const auto& weak : connections) {
    if (const auto connection = weak.lock()) ((*connection).*what)();
  }
}

namespace {

// Takes away a socket that nobody listens at any more.
Result<void> clear_path(const Address& address, asio::io_context& io) {
  struct stat found{};
  if (lstat(address.path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) {
    return fail(ErrorKind::unavailable, "{} exists and is not a socket", address.path);
  }
  Local::socket socket(io);
  boost::system::error_code error;
  socket.connect(Local::endpoint(address.path), error);
  if (!error) {
    return fail(ErrorKind::unavailable, "another program listens at {}", address.to_string());
  }
  unlink(address.path.c_str());
  return {};
}

// From the host and from every machine that it lets through.
Generic::endpoint vsock_endpoint(uint32_t port) {
  sockaddr_vm name{};
  name.svm_family = AF_VSOCK;
  name.svm_cid = VMADDR_CID_ANY;
  name.svm_port = port == 0 ? VMADDR_PORT_ANY : port;
  return {&name, sizeof name};
}

uint32_t vsock_port(const Generic::endpoint& endpoint) {
  sockaddr_vm name{};
  std::memcpy(&name, endpoint.data(), std::min(sizeof name, endpoint.size()));
  return name.svm_port;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::create(const HttpLimits& limits, uint32_t threads) {
  auto impl = std::make_unique<Impl>(limits, std::max(threads, 1u));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<Address> HttpServer::listen(const Address& address, Handler handler,
                                   std::shared_ptr<const crypto::TlsServer> tls) {
  Impl& impl = *impl_;
  Address bound = address;
  bound.tls = tls != nullptr;
  if (address.is_unix()) {
    TRY(clear_path(address, impl.io));
    const mode_t before = umask(0177);
    Result<Acceptor<Local>> acceptor = impl.open<Local>(Local::endpoint(address.path), address);
    umask(before);
    if (!acceptor) return std::unexpected(acceptor.error());
    impl.begin<Local>(std::move(*acceptor), {bound, std::move(handler), std::move(tls), {}});
    return bound;
  }
  if (address.kind == Address::Kind::vsock) {
    Acceptor<Generic> acceptor = TRY(impl.open<Generic>(vsock_endpoint(address.port), address));
    bound.port = vsock_port(acceptor.local_endpoint());
    impl.begin<Generic>(std::move(acceptor), {bound, std::move(handler), std::move(tls), {}});
    return bound;
  }
  const tcp::endpoint endpoint(asio::ip::make_address(address.host),
                               static_cast<uint16_t>(address.port));
  Acceptor<tcp> acceptor = TRY(impl.open<tcp>(endpoint, address));
  bound.port = acceptor.local_endpoint().port();
  impl.begin<tcp>(std::move(acceptor), {bound, std::move(handler), std::move(tls), {}});
  return bound;
}

void HttpServer::run() {
  Impl& impl = *impl_;
  impl.work.emplace(asio::make_work_guard(impl.io));
  for (uint32_t i = 0; i < impl.threads; ++i) {
    impl.running.emplace_back([&impl] { impl.io.run(); });
  }
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  Impl& impl = *impl_;
  {
    const std::lock_guard lock(impl.mutex);
    if (impl.stopping) return;
    impl.stopping = true;
  }
  for (const Impl::Listener& listener : impl.listeners) {
    listener.close();
    if (listener.address.is_unix()) unlink(listener.address.path.c_str());
  }
  if (!impl.running.empty()) {
    const auto until = std::chrono::steady_clock::now() + grace;
    impl.for_connections(&Connection::finish);
    while (impl.counts.open > 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kPoll);
    }
    while (impl.counts.open > 0) {  // their handlers are told, and come back
      impl.for_connections(&Connection::close);
      std::this_thread::sleep_for(kPoll);
    }
  }
  impl.work.reset();
  for (std::thread& thread : impl.running) thread.join();
  impl.running.clear();
}

HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds(0));
}

const ConnectionCounts& HttpServer::counts() const {
  return impl_->counts;
}

asio::any_io_executor HttpServer::executor() {
  return impl_->io.get_executor();
}

}  // namespace sotto::serve
