// For tests: runs the tile instructions of AMX on machines that lack them, one trap at a time.
// SPDX-License-Identifier: Apache-2.0
//
// A processor without AMX answers a tile instruction with an illegal-instruction trap, and Linux with
// SIGILL. The handler here decodes the instruction, does to tiles in memory what the processor would
// do to its own, and goes on behind it. So what is tested is the very object code that a machine with
// AMX runs: encodings, tile numbers, shapes, strides and order. What the processor would refuse
// (shapes that do not fit, tiles that were never configured) ends the test.
//
// Instructions, encodings and their effects: Intel 64 and IA-32 Architectures Software Developer's
// Manual, volume 2. Only those are known that kernels use.
#pragma once

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace sotto::kernels {

// How often each instruction ran, in all threads.
struct TileCounts {
  std::atomic<uint64_t> configurations, releases, zeros, loads, stores, products;
};

class TileEmulator {
 public:
  // While one exists, this process's tile instructions are emulated. One at a time.
  TileEmulator() {
    reset_counts();
    struct sigaction action{};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before_);
  }
  ~TileEmulator() { sigaction(SIGILL, &before_, nullptr); }
  TileEmulator(const TileEmulator&) = delete;
  TileEmulator& operator=(const TileEmulator&) = delete;

  static const TileCounts& counts() { return counts_; }
  static void reset_counts() {
    for (std::atomic<uint64_t>* count : {&counts_.configurations, &counts_.releases, &counts_.zeros,
                                         &counts_.loads, &counts_.stores, &counts_.products}) {
      *count = 0;
    }
  }

 private:
  struct Tile {
    uint32_t rows, row_bytes;
    uint8_t data[16][64];
  };
  struct Tiles {
    bool configured;
    Tile tile[8];
  };

  // A VEX-encoded instruction of the map that all tile instructions are in.
  struct Instruction {
    uint8_t prefix;  // 0: none, 1: 66, 2: F3, 3: F2
    uint8_t opcode;
    bool has_address;
    uint8_t reg, rm, vvvv;
    const uint8_t* base;  // of the address, and for rows of tiles what is added for each
    uint64_t stride;
    uint32_t length;
  };

  static void handle(int, siginfo_t*, void* context_pointer) {
    ucontext_t* context = static_cast<ucontext_t*>(context_pointer);
    greg_t& next = context->uc_mcontext.gregs[REG_RIP];
    const uint8_t* code = reinterpret_cast<const uint8_t*>(next);
    Instruction instruction{};
    if (!decode(code, context->uc_mcontext.gregs, instruction) || !execute(instruction)) {
      refuse("an illegal instruction that is no known tile instruction\n");
    }
    next += instruction.length;
  }

  template <size_t size>
  [[noreturn]] static void refuse(const char (&message)[size]) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message, size - 1);
    abort();
  }

  static void expect(bool holds) {
    if (!holds) refuse("a tile instruction that a processor with AMX would refuse\n");
  }

  static bool decode(const uint8_t* code, const greg_t* registers, Instruction& out) {
    // C4, then inverted high bits of three registers and the map 0F38; W = 0 and 128 bits.
    if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) return false;
    const uint32_t high_index = (~code[1] >> 6 & 1) * 8, high_base = (~code[1] >> 5 & 1) * 8;
    const uint8_t mode = code[4];
    out.prefix = code[2] & 3;
    out.opcode = code[3];
    out.vvvv = ~code[2] >> 3 & 15;
    out.reg = mode >> 3 & 7;
    out.rm = mode & 7;
    out.has_address = mode >> 6 != 3;
    out.length = 5;
    if (!out.has_address) return true;
    return decode_address(code + 5, mode, high_index, high_base, registers, out);
  }

  static uint64_t register_value(const greg_t* registers, uint32_t number) {
    static constexpr int kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15};
    return static_cast<uint64_t>(registers[kOrder[number]]);
  }

  // What follows the mode byte: a scaled index and a base, or a base alone, and a displacement.
  static bool decode_address(const uint8_t* code, uint8_t mode, uint32_t high_index,
                             uint32_t high_base, const greg_t* registers, Instruction& out) {
    uint32_t base = out.rm + high_base;
    uint64_t address = 0;
    if (out.rm == 4) {
      const uint8_t sib = *code++;
      ++out.length;
      const uint32_t index = (sib >> 3 & 7) + high_index;
      if (index != 4) out.stride = register_value(registers, index) << (sib >> 6);
      base = (sib & 7) + high_base;
    }
    if (mode >> 6 == 0 && base % 8 == 5) return false;  // relative or absolute: not seen here
    address = register_value(registers, base);
    if (mode >> 6 == 1) {
      address += static_cast<uint64_t>(int64_t{static_cast<int8_t>(*code)});
      out.length += 1;
    } else if (mode >> 6 == 2) {
      int32_t displacement;
      std::memcpy(&displacement, code, 4);
      address += static_cast<uint64_t>(int64_t{displacement});
      out.length += 4;
    }
    out.base = reinterpret_cast<const uint8_t*>(address);
    return true;
  }

  static Tile& tile(uint32_t number) {
    expect(tiles_.configured && number < 8 && tiles_.tile[number].rows > 0);
    return tiles_.tile[number];
  }

  static bool execute(const Instruction& instruction) {
    switch (instruction.prefix << 8 | instruction.opcode) {
      case 0x049:
        instruction.has_address ? configure(instruction.base) : release();
        return true;
      case 0x349:
        if (instruction.has_address) return false;
        ++counts_.zeros;
        std::memset(tile(instruction.reg).data, 0, sizeof(Tile::data));
        return true;
      case 0x34b:
        load(tile(instruction.reg), instruction.base, instruction.stride);
        return true;
      case 0x24b:
        store(tile(instruction.reg), instruction.base, instruction.stride);
        return true;
      case 0x35e:
        multiply<int8_t>(instruction);
        return true;
      case 0x25e:
        multiply<uint8_t>(instruction);
        return true;
      default:
        return false;
    }
  }

  static void configure(const uint8_t* shapes) {
    ++counts_.configurations;
    tiles_ = {};
    expect(shapes[0] == 1 && shapes[1] == 0);
    for (uint32_t i = 2; i < 64; ++i) {
      expect(shapes[i] == 0 || (i >= 16 && i < 32) || (i >= 48 && i < 56));
    }
    for (uint32_t i = 0; i < 8; ++i) {
      Tile& to = tiles_.tile[i];
      to.row_bytes = shapes[16 + 2 * i] + 256u * shapes[17 + 2 * i];
      to.rows = shapes[48 + i];
      expect(to.rows <= 16 && to.row_bytes <= 64 && (to.rows == 0) == (to.row_bytes == 0));
    }
    tiles_.configured = true;
  }

  static void release() {
    ++counts_.releases;
    tiles_ = {};
  }

  static void load(Tile& to, const uint8_t* base, uint64_t stride) {
    ++counts_.loads;
    std::memset(to.data, 0, sizeof(to.data));
    for (uint32_t row = 0; row < to.rows; ++row) {
      std::memcpy(to.data[row], base + row * stride, to.row_bytes);
    }
  }

  static void store(const Tile& from, const uint8_t* base, uint64_t stride) {
    ++counts_.stores;
    for (uint32_t row = 0; row < from.rows; ++row) {
      std::memcpy(const_cast<uint8_t*>(base) + row * stride, from.data[row], from.row_bytes);
    }
  }

  // TDPBSSD and TDPBSUD: the rows of the first factor are signed bytes.
  template <class Second>
  static void multiply(const Instruction& instruction) {
    ++counts_.products;
    expect(!instruction.has_address && instruction.reg != instruction.rm &&
           instruction.rm != instruction.vvvv && instruction.reg != instruction.vvvv);
    Tile& sums = tile(instruction.reg);
    const Tile& first = tile(instruction.rm);
    const Tile& second = tile(instruction.vvvv);
    expect(sums.rows == first.rows && sums.row_bytes == second.row_bytes &&
           first.row_bytes == 4 * second.rows && sums.row_bytes % 4 == 0);
    for (uint32_t m = 0; m < sums.rows; ++m) {
      int32_t row[16];
      std::memcpy(row, sums.data[m], sizeof(row));
      for (uint32_t k = 0; k < second.rows; ++k) {
        for (uint32_t i = 0; i < 4; ++i) {
          const int32_t a = static_cast<int8_t>(first.data[m][4 * k + i]);
          for (uint32_t n = 0; n < sums.row_bytes / 4; ++n) {
            row[n] += a * static_cast<Second>(second.data[k][4 * n + i]);
          }
        }
      }
      std::memcpy(sums.data[m], row, sizeof(row));
    }
  }

  static inline thread_local Tiles tiles_;
  static inline TileCounts counts_;
  struct sigaction before_{};
};

}  // namespace sotto::kernels
