// Somebody who broke in tries: other files, other programs, outgoing connections, a debugger. In a process of
// its own, since there is no way back.
// SPDX-License-Identifier: Apache-2.0
#include "serve/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace sotto::serve {
namespace {

namespace fs = std::filesystem;

// What `attempt` returns in a child that has restricted itself: 0 to 100.
int in_sandbox(const std::function<int()>& attempt) {
  const pid_t child = fork();
  if (child == 0) _exit(attempt());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

// 0 when it can be opened, else the errno.
int open_errno(const fs::path& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

// What a process tries that has no connect(): a packet that opens a connection as it goes, by a socket that
// was there before.
int fast_open_errno(int fd) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(1);
  const auto* to = reinterpret_cast<sockaddr*>(&address);
  if (sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, to, sizeof address) >= 0) return 0;
  const int error = errno;
  iovec piece{const_cast<char*>("x"), 1};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (sendmsg(fd, &message, MSG_FASTOPEN | MSG_NOSIGNAL) >= 0 || errno != error) return 97;
  mmsghdr several{message, 0};
  if (sendmmsg(fd, &several, 1, MSG_FASTOPEN | MSG_NOSIGNAL) >= 0 || errno != error) return 96;
  return error;
}

int connect_errno() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(1);
  const int result = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int error = result == 0 ? 0 : errno;
  close(fd);
  return error;
}

TEST(Sandbox, leaves_its_own_files_and_no_others) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("sotto_sandbox_{}", getpid());
  fs::create_directories(folder / "read");
  fs::create_directories(folder / "write");
  fs::create_directories(folder / "other");
  std::ofstream(folder / "read/a") << "a";
  std::ofstream(folder / "other/a") << "a";
  const FileRules rules{{folder / "read", folder / "absent"}, {folder / "write"}};
  const auto attempt = [&](const std::function<int()>& what) {
    return in_sandbox([&] {
      const Result<void> done = restrict_files(rules);
      if (!done) return 99;
      return what();
    });
  };
  const int there = attempt([] { return 0; });
  if (there == 99) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(attempt([&] { return open_errno(folder / "read/a", O_RDONLY); }), 0);
  EXPECT_EQ(attempt([&] { return open_errno(folder / "read/a", O_RDWR); }), EACCES);
  EXPECT_EQ(attempt([&] { return open_errno(folder / "read/new", O_RDWR | O_CREAT); }), EACCES);
  EXPECT_EQ(attempt([&] { return open_errno(folder / "write/new", O_RDWR | O_CREAT); }), 0);
  EXPECT_EQ(attempt([&] { return unlink((folder / "write/new").c_str()) == 0 ? 0 : errno; }), 0);
  EXPECT_EQ(attempt([&] { return open_errno(folder / "other/a", O_RDONLY); }), EACCES);
  EXPECT_EQ(attempt([] { return open_errno("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(attempt([] { return open_errno("/", O_RDONLY | O_DIRECTORY); }), EACCES);
  EXPECT_EQ(attempt([] {
              execl("/bin/true", "true", nullptr);
              return errno;
            }),
            EACCES);
  // Threads that are started later are no way out.
  EXPECT_EQ(attempt([] {
              int error = 0;
              std::thread([&] { error = open_errno("/etc/passwd", O_RDONLY); }).join();
              return error;
            }),
            EACCES);
  fs::remove_all(folder);
}

TEST(Sandbox, leaves_no_calls_for_breaking_out) {
  const auto attempt = [](bool connect, const std::function<int()>& what) {
    return in_sandbox([&] {
      // A thread that was there before is held, too.
      int in_thread = -1;
      std::atomic<bool> go{false};
      std::thread other([&] {
        while (!go) std::this_thread::yield();
        in_thread = what();
      });
      if (!restrict_calls(connect)) _exit(99);
      go = true;
      other.join();
      const int here = what();
      return here == in_thread ? here : 98;
    });
  };
  const auto error_of = [](long result) { return result == 0 ? 0 : errno; };
  const int there = attempt(true, [] { return 0; });
  if (there == 99) GTEST_SKIP() << "this kernel has no seccomp";
  ASSERT_EQ(there, 0);
  EXPECT_EQ(attempt(true,
                    [] {
                      execl("/bin/true", "true", nullptr);
                      return errno;
                    }),
            EPERM);
  EXPECT_EQ(attempt(true, [&] { return fork() < 0 ? errno : 0; }), EPERM);
  EXPECT_EQ(attempt(true, [&] { return error_of(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }),
            EPERM);
  EXPECT_EQ(attempt(true,
                    [&] {
                      char byte = 0;
                      iovec here{&byte, 1};
                      return process_vm_readv(getppid(), &here, 1, &here, 1, 0) < 0 ? errno : 0;
                    }),
            EPERM);
  EXPECT_EQ(attempt(true, [&] { return error_of(unshare(CLONE_NEWUSER)); }), EPERM);
  EXPECT_EQ(attempt(true, connect_errno), ECONNREFUSED);
  const int before = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(attempt(true, [&] { return fast_open_errno(before); }), ECONNREFUSED);
  EXPECT_EQ(attempt(false, [&] { return fast_open_errno(before); }), EPERM);
  EXPECT_EQ(attempt(false,
                    [&] {
                      sockaddr_in address{};
                      address.sin_family = AF_INET;
                      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                      address.sin_port = htons(1);
                      return connect(before, reinterpret_cast<sockaddr*>(&address),
                                     sizeof address) == 0
                                 ? 0
                                 : errno;
                    }),
            EPERM);
  close(before);
  EXPECT_EQ(attempt(false, [] { return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? errno : 0; }), EPERM);
  EXPECT_EQ(attempt(false, [] { return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }), EPERM);
  EXPECT_EQ(
      attempt(false,
              [] {
                int value = 0;
                std::thread([&] { value = 7; }).join();  // what a server does itself still goes
                return value;
              }),
      7);
}

TEST(Sandbox, has_a_digest_that_tells_filters_apart) {
  EXPECT_EQ(call_filter_sha256(true), call_filter_sha256(true));
  EXPECT_NE(call_filter_sha256(true), call_filter_sha256(false));
}

}  // namespace
}  // namespace sotto::serve
