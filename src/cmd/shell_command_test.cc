// A command's output comes back whole, and one that fails, hangs or floods is an error.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/shell_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto::cmd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

void expect_failure(const std::string& command, ErrorKind kind, const std::string& message,
                    std::chrono::milliseconds limit = 60s) {
  const auto output = run_shell_command(command, limit);
  ASSERT_FALSE(output) << command;
  EXPECT_EQ(output.error().kind, kind) << command;
  EXPECT_THAT(output.error().message, HasSubstr(message));
}

TEST(ShellCommand, gives_its_standard_output) {
  EXPECT_EQ(*run_shell_command("echo one; echo two", 60s), "one\ntwo\n");
  EXPECT_EQ(*run_shell_command("cat", 60s), "");  // its input is empty
  EXPECT_EQ(run_shell_command("head -c 100000 /dev/zero", 60s)->size(), 100000u);
}

TEST(ShellCommand, that_fails_is_an_error) {
  expect_failure("exit 7", ErrorKind::unavailable, "exit status 7");
  expect_failure("kill -TERM $$", ErrorKind::unavailable, "signal 15");
  expect_failure("no-such-program-here 2>/dev/null", ErrorKind::unavailable, "exit status 127");
}

TEST(ShellCommand, is_stopped_when_its_time_is_over) {
  expect_failure("sleep 1000", ErrorKind::exhausted, "longer than 0.2 s", 200ms);
  // Also when it hides behind a closed output or a child.
  expect_failure("exec >&-; sleep 1000", ErrorKind::exhausted, "longer than 0.2 s", 200ms);
  expect_failure("sleep 1000 & wait", ErrorKind::exhausted, "longer than 0.2 s", 200ms);
}

TEST(ShellCommand, may_not_print_without_end) {
  expect_failure("cat /dev/zero", ErrorKind::exhausted, "more than 1048576 bytes");
}

TEST(ShellQuote, makes_one_word_of_anything) {
  const std::string text = "it's a $HOME `x` \\ \"word\"\n";
  EXPECT_EQ(*run_shell_command("printf %s " + shell_quote(text), 60s), text);
}

}  // namespace
}  // namespace sotto::cmd
