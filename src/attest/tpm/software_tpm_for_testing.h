// A software TPM (swtpm) of its own for each test, and tpm2-tools to prepare it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "attest/tpm/collect.h"

namespace sotto::attest::tpm {

// A software TPM with a state of its own, behind a socket; ends with the test.
class SoftwareTpmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::path(::testing::TempDir()) / "sotto_tpm_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const std::string state = "dir=" + folder_.string();
    const std::string socket = "type=unixio,path=" + (folder_ / "sock").string();
    const std::string control = "type=unixio,path=" + (folder_ / "sock.ctrl").string();
    process_ = fork();
    ASSERT_GE(process_, 0);
    if (process_ == 0) {
      const int null = ::open("/dev/null", O_WRONLY);
      dup2(null, 1);
      dup2(null, 2);
      execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server",
             socket.c_str(), "--ctrl", control.c_str(), "--flags", "not-need-init,startup-clear",
             nullptr);
      _exit(127);
    }
    const auto is_up = [this] {
      return std::filesystem::exists(folder_ / "sock") &&
             std::filesystem::exists(folder_ / "sock.ctrl");
    };
    for (int i = 0; i < 600 && !is_up(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ASSERT_TRUE(is_up()) << "swtpm did not start; is it installed?";
    connect();
  }

  // tpm2-tools and we cannot be connected at once.
  void connect() {
    auto tpm = Tpm::open(tcti());
    ASSERT_TRUE(tpm.has_value()) << tpm.error().message;
    tpm_ = std::move(*tpm);
  }

  void TearDown() override {
    tpm_.reset();
    if (process_ > 0) {
      kill(process_, SIGTERM);
      waitpid(process_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  std::string tcti() const { return "swtpm:path=" + (folder_ / "sock").string(); }

  // Runs a command of tpm2-tools in the folder; true when it exits with 0.
  bool run(const std::string& command) {
    tpm_.reset();
    const std::string line = fmt::format("cd '{}' && TPM2TOOLS_TCTI='{}' {} >out 2>&1",
                                         folder_.string(), tcti(), command);
    return std::system(line.c_str()) == 0;
  }

  std::string read_text(const char* name) const {
    std::ifstream file(folder_ / name);
    return {(std::istreambuf_iterator<char>(file)), {}};
  }
  void write_file(const char* name, Bytes bytes) const {
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  std::vector<uint8_t> read_file(const char* name) const {
    const std::string text = read_text(name);
    return {text.begin(), text.end()};
  }

  std::filesystem::path folder_;
  pid_t process_ = -1;
  std::unique_ptr<Tpm> tpm_;
};

}  // namespace sotto::attest::tpm
