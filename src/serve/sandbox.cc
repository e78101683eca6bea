// Landlock by its system calls, seccomp by libseccomp.
// SPDX-License-Identifier: Apache-2.0
#include "serve/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/check.h"

namespace sotto::serve {
namespace {

// Rights that newer kernels have and Debian's headers do not.
constexpr uint64_t kTruncate = 1 << 14;  // from version 3 on

constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                            LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                            LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK;
constexpr uint64_t kAll = kRead | kWrite | LANDLOCK_ACCESS_FS_EXECUTE |
                          LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                          LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;

class Descriptor {
 public:
  explicit Descriptor(long fd) : fd_(static_cast<int>(fd)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> allow(int ruleset, const std::filesystem::path& path, uint64_t rights) {
  const Descriptor at(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (at.get() < 0) return {};  // what is not there cannot be opened either
  struct stat what{};
  if (fstat(at.get(), &what) == 0 && !S_ISDIR(what.st_mode)) rights &= kOfFiles;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = at.get();
  if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return {};
  return fail(ErrorKind::internal, "Landlock: {}: {}", path.string(), std::strerror(errno));
}

struct FreeFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FreeFilter>;

Filter make_filter(bool connect) {
  Filter filter(seccomp_init(SCMP_ACT_ALLOW));
  CHECK(filter != nullptr);
  CHECK(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0);
  const auto deny = [&](int call) {
    CHECK(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0) == 0);
  };
  for (const int call : {SCMP_SYS(execve),
                         SCMP_SYS(execveat),
                         SCMP_SYS(fork),
                         SCMP_SYS(vfork),
                         SCMP_SYS(ptrace),
                         SCMP_SYS(process_vm_readv),
                         SCMP_SYS(process_vm_writev),
                         SCMP_SYS(pidfd_getfd),
                         SCMP_SYS(kcmp),
                         SCMP_SYS(mount),
                         SCMP_SYS(umount2),
                         SCMP_SYS(pivot_root),
                         SCMP_SYS(chroot),
                         SCMP_SYS(setns),
                         SCMP_SYS(unshare),
                         SCMP_SYS(bpf),
                         SCMP_SYS(perf_event_open),
                         SCMP_SYS(init_module),
                         SCMP_SYS(finit_module),
                         SCMP_SYS(delete_module),
                         SCMP_SYS(kexec_load),
                         SCMP_SYS(kexec_file_load),
                         SCMP_SYS(userfaultfd),
                         SCMP_SYS(keyctl),
                         SCMP_SYS(add_key),
                         SCMP_SYS(request_key),
                         SCMP_SYS(personality),
                         SCMP_SYS(reboot),
                         SCMP_SYS(swapon),
                         SCMP_SYS(swapoff),
                         SCMP_SYS(open_by_handle_at),
                         SCMP_SYS(io_uring_setup)}) {
    deny(call);
  }
  // Threads, but no processes. What clone3 is asked for cannot be seen here; without it libc uses clone.
  CHECK(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0);
  const scmp_arg_cmp no_thread{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0};
  CHECK(seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                               &no_thread) == 0);
  if (connect) return filter;
  // A datagram needs no connect(), and a first packet can carry data before there is a connection. Sockets
  // that were there before the filter are left: those that listen, and what they accept.
  deny(SCMP_SYS(connect));
  deny(SCMP_SYS(socket));
  const auto deny_flag = [&](int call, unsigned argument, uint64_t flag) {
    const scmp_arg_cmp has{argument, SCMP_CMP_MASKED_EQ, flag, flag};
    CHECK(seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 1, &has) == 0);
  };
  deny_flag(SCMP_SYS(sendto), 3, MSG_FASTOPEN);
  deny_flag(SCMP_SYS(sendmsg), 2, MSG_FASTOPEN);
  deny_flag(SCMP_SYS(sendmmsg), 3, MSG_FASTOPEN);
  return filter;
}

}  // namespace

Result<void> restrict_files(const FileRules& rules) {
  const long version =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return fail(ErrorKind::unsupported, "this kernel has no Landlock");
  const uint64_t truncate = version >= 3 ? kTruncate : 0;
  // Renaming between folders is refused by all versions unless it is named; within one it needs no more.
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kAll | truncate;
  const Descriptor ruleset(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(uint64_t), 0));
  if (ruleset.get() < 0) return fail(ErrorKind::unsupported, "Landlock: {}", std::strerror(errno));
  for (const std::filesystem::path& path : rules.read) TRY(allow(ruleset.get(), path, kRead));
  for (const std::filesystem::path& path : rules.write) {
    TRY(allow(ruleset.get(), path, kRead | kWrite | truncate));
  }
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0) return {};
  return fail(ErrorKind::unsupported, "Landlock: {}", std::strerror(errno));
}

Result<void> restrict_calls(bool connect) {
  const Filter filter = make_filter(connect);
  const int error = seccomp_load(filter.get());
  if (error == 0) return {};
  return fail(ErrorKind::unsupported, "seccomp: {}", std::strerror(-error));
}

crypto::Sha256Digest call_filter_sha256(bool connect) {
  const Filter filter = make_filter(connect);
  const Descriptor memory(memfd_create("filter", MFD_CLOEXEC));
  CHECK(memory.get() >= 0 && seccomp_export_bpf(filter.get(), memory.get()) == 0);
  const off_t size = lseek(memory.get(), 0, SEEK_END);
  CHECK(size > 0);
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  CHECK(pread(memory.get(), bytes.data(), bytes.size(), 0) == size);
  return crypto::sha256(bytes);
}

}  // namespace sotto::serve
