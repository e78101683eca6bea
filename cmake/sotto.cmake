# The rules every target follows: warnings, numerics, hardening, sanitizers, and the
# library-per-folder function. Debian's names of the packages: tools/packages.txt.

find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(XMLSEC REQUIRED IMPORTED_TARGET xmlsec1-openssl)
pkg_check_modules(TSS2 REQUIRED IMPORTED_TARGET tss2-esys tss2-mu tss2-rc tss2-tctildr)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(CBOR REQUIRED IMPORTED_TARGET libcbor)
if(SOTTO_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()

find_program(SOTTO_CCACHE ccache)
if(SOTTO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SOTTO_CCACHE})
endif()

# [docs/protocols/numerics.md] forbids contraction: an FMA stands only where the source says so.
add_compile_options(-Wall -Wextra -Wpedantic -Werror -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12's flow analysis reports impossible paths inside std::expected, std::variant, std::vector
  # and std::string once they are inlined. clang and AddressSanitizer look at the same code.
  add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-restrict)
endif()

# A hostile file that finds a bug should meet an abort, not a way in: bounds checks in the standard
# library's containers, stack protector, read-only relocations.
add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_compile_options(-fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

if(SOTTO_SANITIZE)
  add_compile_definitions(SOTTO_SANITIZED)  # which has its own operator new
  add_compile_options(-fsanitize=${SOTTO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SOTTO_SANITIZE})
endif()
if(SOTTO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()

# sotto_library(NAME USES lib... [TEST_USES lib...]): the folder's sources as one library
# `sotto_NAME`, its *_test.cc as one test program `NAME_test`, which may use more, and each X_fuzz.cc
# as the harness `X_fuzz` over the corpus fuzz/X/.
function(sotto_library name)
  cmake_parse_arguments(ARG "" "" "USES;TEST_USES" ${ARGN})
  file(GLOB all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${all})
  set(fuzzers ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER all EXCLUDE REGEX "_(test|fuzz)\\.cc$")
  if(all)
    add_library(sotto_${name} STATIC ${all})
    target_include_directories(sotto_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(sotto_${name} PUBLIC ${ARG_USES})
  else()  # headers only
    add_library(sotto_${name} INTERFACE)
    target_include_directories(sotto_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(sotto_${name} INTERFACE ${ARG_USES})
  endif()
  if(NOT SOTTO_TESTS)
    return()
  endif()
  if(tests)
    sotto_test(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE sotto_${name} ${ARG_TEST_USES})
  endif()
  foreach(source ${fuzzers})
    get_filename_component(stem ${source} NAME_WE)
    sotto_fuzzer(${stem} ${source} sotto_${name})
  endforeach()
endfunction()

# sotto_test(NAME sources...): a GoogleTest program that knows where test data and oracles lie. The
# target `unit_tests` builds all of them.
function(sotto_test name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gtest_main GTest::gmock)
  target_compile_definitions(${name} PRIVATE
    SOTTO_TESTDATA_DIR="${CMAKE_SOURCE_DIR}/testdata" SOTTO_ORACLE_DIR="${SOTTO_ORACLE_DIR}"
    SOTTO_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SOTTO_VECTORS_DIR="${SOTTO_VECTORS_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS unit)
  if(NOT TARGET unit_tests)
    add_custom_target(unit_tests)
  endif()
  add_dependencies(unit_tests ${name})
endfunction()

# sotto_fuzzer(STEM source library): a harness defines LLVMFuzzerTestOneInput. In the ordinary build
# it replays its corpus as a test, and an empty corpus fails; with SOTTO_FUZZ it is a libFuzzer
# program. The target `fuzzers` builds all of them.
function(sotto_fuzzer stem source library)
  string(REGEX REPLACE "_fuzz$" "" corpus ${stem})
  if(SOTTO_FUZZ)
    add_executable(${stem} ${source})
    target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzzers)
  else()
    add_executable(${stem} ${source} ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc)
    add_test(NAME ${stem} COMMAND ${stem} ${CMAKE_SOURCE_DIR}/fuzz/${corpus})
    set_tests_properties(${stem} PROPERTIES TIMEOUT 300 LABELS fuzz)
  endif()
  target_link_libraries(${stem} PRIVATE ${library})
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_dependencies(fuzzers ${stem})
endfunction()
