# pb_layer(name SOURCES a.cpp … LINK base …): one static library per folder, warnings as errors.
# pb_test(layer unit [LINK …] [LABELS …] [TIMEOUT s]): tests/<layer>/<unit>.cpp as one ctest entry.
# Target tsan_tests, label tsan: what the thread sanitizer can judge, see docs/proofs.md.
set(PB_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wduplicated-cond -Wlogical-op -Werror)
# g++ 12 sees uninitialized strings in std::variant where there are none (GCC PR 105562); what it
# would find is found by the sanitizer builds.
list(APPEND PB_WARNINGS -Wno-maybe-uninitialized)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # clang builds the fuzzers only. It does not know these, and asks for every member of a
  # designated initializer.
  list(REMOVE_ITEM PB_WARNINGS -Wduplicated-cond -Wlogical-op -Wno-maybe-uninitialized)
  list(APPEND PB_WARNINGS -Wno-missing-field-initializers)
endif()

# Test programs are compiled for the time that takes: they are not optimized, and the checks of
# undefined behaviour, a third of a sanitizer build, are in what they test.
set(PB_TEST_OPTIONS ${PB_WARNINGS} -O0)
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=[a-z,]*undefined")
  list(APPEND PB_TEST_OPTIONS -fno-sanitize=undefined)
endif()

add_custom_target(tsan_tests)
set(PB_TSAN_LAYERS base persistence http actors sandbox)

function(pb_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${PB_WARNINGS})
  target_link_libraries(${name} PUBLIC ${arg_LINK})
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
  add_test(NAME ${layer}.${unit} COMMAND ${layer}.${unit} --log_level=test_suite)
  if(layer IN_LIST PB_TSAN_LAYERS)
    list(APPEND arg_LABELS tsan)
    add_dependencies(tsan_tests ${layer}.${unit})
  endif()
  set_tests_properties(${layer}.${unit} PROPERTIES LABELS "${layer};${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
