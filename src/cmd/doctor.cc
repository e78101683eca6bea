// `sotto doctor`: what this machine has for serving inside a TEE, what is missing, and what to do.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/color.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attest/collect/detect.h"
#include "attest/collect/rtmr.h"
#include "attest/nvidia/collect.h"
#include "attest/tpm/collect.h"
#include "attest/tpm/collect_evidence.h"
#include "base/machine.h"
#include "base/memory.h"
#include "cmd/commands.h"
#include "cmd/terminal.h"
#include "kernels/dispatch.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;
using namespace attest;

struct DoctorCommand {
  std::string root;
  bool json = false;
};

enum class Grade { good, note, bad };

struct Finding {
  std::string what;
  Grade grade = Grade::good;
  std::string found;
  std::string advice;  // empty where there is nothing to do
};

std::string_view to_text(Grade grade) {
  return grade == Grade::good ? "ok" : grade == Grade::note ? "note" : "missing";
}

// The same paths in another tree, for tests and for looking at somebody's image.
collect::Places places_in(const std::string& root) {
  collect::Places places;
  if (root.empty()) return places;
  for (std::filesystem::path* path :
       {&places.tsm_report, &places.tdx_guest, &places.sev_guest, &places.nsm, &places.tpm,
        &places.cpuinfo, &places.dmi, &places.rtmr3, &places.ccel}) {
    *path = root + path->string();
  }
  return places;
}

void look_at_tee(const collect::Places& places, std::vector<Finding>& findings) {
  const collect::Detection seen = collect::detect_platform(places);
  for (const collect::Sign& sign : seen.signs) {
    findings.push_back({sign.looked_for, sign.found ? Grade::good : Grade::note, sign.detail, ""});
  }
  const bool good = seen.platform && *seen.platform != collect::Platform::tpm;
  findings.push_back({"TEE", good ? Grade::good : Grade::bad, seen.reason,
                      good ? "`sotto attest` makes this machine's evidence"
                           : "serve on a confidential machine, or try with `--tee simulated`, "
                             "which protects nothing"});
  if (seen.platform != collect::Platform::tdx) return;
  const Result<collect::Rtmr> rtmr = collect::read_rtmr(places.rtmr3);
  findings.push_back({"run-time register", rtmr ? Grade::good : Grade::note,
                      rtmr ? "RTMR3 can be extended" : rtmr.error().message,
                      rtmr ? ""
                           : "Linux 6.16 and newer offers it; without, models and settings are the "
                             "program's word alone"});
}

void look_at_tpm(const collect::Places& places, std::vector<Finding>& findings) {
  std::error_code ignored;
  if (!std::filesystem::exists(places.tpm, ignored)) return;
  const auto tpm = tpm::Tpm::open("device:" + places.tpm.string());
  if (!tpm) {
    findings.push_back({"TPM's key", Grade::bad, tpm.error().message,
                        "the user needs the right to open it: group tss"});
    return;
  }
  const auto source = tpm::find_key_source(**tpm);
  const bool vouched = source && *source != tpm::KeySource::own;
  findings.push_back({"TPM's key", vouched ? Grade::good : Grade::note,
                      !source                            ? source.error().message
                      : *source == tpm::KeySource::azure ? "Azure vouches for it"
                      : vouched                          ? "Google vouches for it"
                                                         : "nobody vouches for it",
                      vouched ? "" : "clients have to know the key by other means"});
}

void look_at_gpus(std::vector<Finding>& findings) {
  const auto collector = nvidia::GpuCollector::open();
  if (!collector) {
    findings.push_back({"NVIDIA GPUs", Grade::note, collector.error().message, ""});
    return;
  }
  const auto system = collector->system();
  if (!system) {
    findings.push_back({"NVIDIA GPUs", Grade::bad, system.error().message, ""});
    return;
  }
  const bool good = system->confidential && system->production && !system->dev_tools;
  findings.push_back({"NVIDIA GPUs", good ? Grade::good : Grade::note,
                      fmt::format("{} of them, confidential computing {}{}", system->gpus,
                                  system->confidential ? "on" : "off",
                                  system->dev_tools ? ", with developers' tools" : ""),
                      good ? ""
                           : "models run on the processor; a GPU's memory is protected only with "
                             "confidential computing on"});
}

void look_at_machine(std::vector<Finding>& findings) {
  utsname name{};
  if (uname(&name) == 0) {
    findings.push_back(
        {"kernel", Grade::good, fmt::format("{} {}", name.sysname, name.release), ""});
  }
  const std::vector<kernels::Isa> levels = kernels::supported_levels();
  constexpr std::string_view kNames[] = {"scalar", "AVX2", "AVX-512", "AMX"};
  const kernels::Isa best = levels.back();
  findings.push_back({"instruction set", best == kernels::Isa::scalar ? Grade::bad : Grade::good,
                      fmt::format("{} on {}", kNames[static_cast<size_t>(best)], processor_name()),
                      best == kernels::Isa::scalar ? "answers are the same, and slow" : ""});
  findings.push_back({"memory", Grade::good, format_bytes(memory_available()) + " can be had", ""});
  rlimit cores{};
  getrlimit(RLIMIT_CORE, &cores);
  findings.push_back({"core dumps", cores.rlim_cur == 0 ? Grade::good : Grade::bad,
                      cores.rlim_cur == 0 ? "off, by this program itself" : "on", ""});
  const bool swap = swap_is_on();
  findings.push_back(
      {"swap", swap ? Grade::bad : Grade::good, swap ? "on" : "off",
       swap ? "prompts may be written to the host's disk: `swapoff -a`, or let the server lock its "
              "memory (`ulimit -l unlimited`)"
            : ""});
}

void print_findings(const std::vector<Finding>& findings) {
  size_t width = 0;
  for (const Finding& one : findings) width = std::max(width, one.what.size());
  for (const Finding& one : findings) {
    const fmt::color colour = one.grade == Grade::good   ? fmt::color::green
                              : one.grade == Grade::note ? fmt::color::gold
                                                         : fmt::color::red;
    const std::string grade = fmt::format("{:<8}", to_text(one.grade));
    if (colours_wanted(stdout)) {
      fmt::print(fmt::fg(colour), "{}", grade);
    } else {
      fmt::print("{}", grade);
    }
    fmt::print("{:<{}}  {}\n", one.what, width, printable(one.found));
    if (!one.advice.empty()) fmt::print("{:8}{:<{}}  → {}\n", "", "", width, one.advice);
  }
}

Result<int> run(const DoctorCommand& command) {
  const collect::Places places = places_in(command.root);
  std::vector<Finding> findings;
  look_at_machine(findings);
  look_at_tee(places, findings);
  look_at_tpm(places, findings);
  look_at_gpus(findings);
  if (!command.json) {
    print_findings(findings);
    return kExitOk;
  }
  json::array out;
  for (const Finding& one : findings) {
    out.push_back(json::object{{"what", one.what},
                               {"grade", to_text(one.grade)},
                               {"found", one.found},
                               {"advice", one.advice}});
  }
  fmt::print("{}\n", json::serialize(out));
  return kExitOk;
}

}  // namespace

Run add_doctor(CLI::App& app) {
  auto command = std::make_shared<DoctorCommand>();
  app.add_option("--root", command->root, "look for devices and firmware in this tree instead");
  app.add_flag("--json", command->json, "a JSON list, for machines");
  app.footer("Example: sotto doctor");
  return [command] { return run(*command); };
}

}  // namespace sotto::cmd
