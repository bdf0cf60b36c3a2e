# pb_layer(name SOURCES a.cpp … LINK base …): one static library per folder, warnings as errors.
# pb_test(layer unit [LINK …] [LABELS …] [TIMEOUT s]): tests/<layer>/<unit>.cpp as one ctest entry.
# Target tsan_tests, label tsan: what the thread sanitizer can judge, see docs/proofs.md.
set(PB_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wduplicated-cond -Wlogical-op -Werror)
# g++ 12 sees uninitialized strings in std::variant where there are none (GCC PR 105562); what it
# would find is found by the sanitizer builds. The same holds for its guesses about the bounds of
# strings (PR 105651, 105329), which a precompiled header no longer keeps to itself.
list(APPEND PB_WARNINGS -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-restrict)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # clang builds the fuzzers and the sanitizer build, in half of the time. What is warned of is g++'s to
  # say: clang does not know some of these, asks for every member of a designated initializer, and does
  # not keep to itself what the library's own headers do.
  list(REMOVE_ITEM PB_WARNINGS -Wduplicated-cond -Wlogical-op -Wshadow -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
  list(APPEND PB_WARNINGS -Wno-missing-field-initializers -Wno-deprecated-declarations)
endif()

# Test programs are compiled for the time that takes: they are not optimized, and the checks of
# undefined behaviour, a third of a sanitizer build, are in what they test.
set(PB_TEST_OPTIONS ${PB_WARNINGS} -O0)
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=[a-z,]*undefined")
  list(APPEND PB_TEST_OPTIONS -fno-sanitize=undefined)
endif()

# What nearly every file reads is read once for a layer and once for its tests: a quarter of the time
# of a build. The preset debug goes without in the layers: there an include that a file forgot is found.
set(PB_COMMON_HEADERS <algorithm> <chrono> <functional> <map> <memory> <optional> <string>
    <unordered_map> <variant> <vector>)
# So that ccache knows what was precompiled.
set(PB_PRECOMPILED_OPTIONS -fpch-preprocess)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  set(PB_PRECOMPILED_OPTIONS -Xclang -fno-pch-timestamp)
endif()
set(PB_JSON_LAYERS protocol sync http actors sandbox app)

# pb_precompile(target layer header…)
function(pb_precompile target layer)
  set(headers ${PB_COMMON_HEADERS} ${ARGN})
  if(layer IN_LIST PB_JSON_LAYERS)
    list(APPEND headers <boost/json.hpp>)
  endif()
  target_precompile_headers(${target} PRIVATE ${headers})
  target_compile_options(${target} PRIVATE ${PB_PRECOMPILED_OPTIONS})
endfunction()

# Most of what a compiler does here is to read headers, for each file again: several files of a layer are
# compiled as one. What they have in their unnamed namespaces then meets, so a name stands there once in a
# layer; -DPB_UNITY_BATCH=100 shows what collides. Two warnings of g++ mean single files: a local would
# shadow a function of another file, and a batch looks like a header whose types have members that no
# other file can name.
set(PB_UNITY_BATCH 6 CACHE STRING "how many files of a layer PB_UNITY compiles as one")

# pb_unity(target)
function(pb_unity target)
  if(NOT PB_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${PB_UNITY_BATCH})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -Wno-shadow -Wshadow=local -Wno-subobject-linkage)
  endif()
endfunction()

add_custom_target(tsan_tests)
# Where the fuzzers are led by what an input reaches.
set(PB_FUZZED_LAYERS base config protocol)
set(PB_TSAN_LAYERS base persistence http actors sandbox)

function(pb_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${PB_WARNINGS})
  pb_unity(${name})
  if(PB_FUZZ AND name IN_LIST PB_FUZZED_LAYERS)
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  target_link_libraries(${name} PUBLIC ${arg_LINK})
  if(PB_PRECOMPILED)
    if(name STREQUAL actors)
      pb_precompile(${name} ${name} <caf/all.hpp>)
    else()
      pb_precompile(${name} ${name})
    endif()
  endif()
endfunction()

function(pb_test layer unit)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "TIMEOUT" "LINK;LABELS;SOURCES")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${layer}.${unit} ${PROJECT_SOURCE_DIR}/tests/${layer}/${unit}.cpp ${arg_SOURCES})
  target_compile_definitions(${layer}.${unit} PRIVATE BOOST_TEST_DYN_LINK
    PB_FIXTURES="${PROJECT_SOURCE_DIR}/tests/fixtures" PB_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_compile_options(${layer}.${unit} PRIVATE ${PB_TEST_OPTIONS})
  target_link_libraries(${layer}.${unit} PRIVATE ${layer} Boost::unit_test_framework ${arg_LINK})
  if(NOT TARGET test_main)
    add_library(test_main OBJECT ${PROJECT_SOURCE_DIR}/tests/test_main.cpp)
    target_compile_definitions(test_main PRIVATE BOOST_TEST_DYN_LINK)
    target_link_libraries(test_main PRIVATE Boost::unit_test_framework)
  endif()
  # Some have a main() of their own.
  file(STRINGS ${PROJECT_SOURCE_DIR}/tests/${layer}/${unit}.cpp module REGEX "define BOOST_TEST_MODULE")
  if(module)
    target_link_libraries(${layer}.${unit} PRIVATE $<TARGET_OBJECTS:test_main>)
  endif()
  if(NOT TARGET ${layer}_test_headers)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/headers.cpp "")
    add_library(${layer}_test_headers OBJECT ${CMAKE_CURRENT_BINARY_DIR}/headers.cpp)
    target_compile_definitions(${layer}_test_headers PRIVATE BOOST_TEST_DYN_LINK)
    target_compile_options(${layer}_test_headers PRIVATE ${PB_TEST_OPTIONS})
    target_link_libraries(${layer}_test_headers PRIVATE ${layer} Boost::unit_test_framework)
    pb_precompile(${layer}_test_headers ${layer} <boost/test/unit_test.hpp>)
  endif()
  target_precompile_headers(${layer}.${unit} REUSE_FROM ${layer}_test_headers)
  target_compile_options(${layer}.${unit} PRIVATE ${PB_PRECOMPILED_OPTIONS})
  add_test(NAME ${layer}.${unit} COMMAND ${layer}.${unit} --log_level=test_suite)
  if(layer IN_LIST PB_TSAN_LAYERS)
    list(APPEND arg_LABELS tsan)
    add_dependencies(tsan_tests ${layer}.${unit})
  endif()
  set_tests_properties(${layer}.${unit} PROPERTIES LABELS "${layer};${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
