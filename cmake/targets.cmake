# One function for each kind of target.

set(weft_banned_h "${PROJECT_SOURCE_DIR}/lib/base/banned.h")

# The rules our own code is compiled under. KIND is PURE (no clock, no socket, not even declared),
# POSIX, or GNU (POSIX and all of glibc).
function(weft_compile_rules target kind)
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_compile_options(${target} PRIVATE ${weft_warnings} -include "${weft_banned_h}")
    if(kind STREQUAL "PURE")
        target_compile_definitions(${target} PRIVATE WEFT_PURE)
    elseif(kind STREQUAL "GNU")
        target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L _GNU_SOURCE)
    else()
        target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
    endif()
    # banned.h reads the system's headers first, so a '#define _GNU_SOURCE' inside a file would come
    # too late. A file that has the line gets the definition from here.
    if(kind STREQUAL "POSIX")
        get_target_property(sources ${target} SOURCES)
        foreach(source IN LISTS sources)
            file(STRINGS "${source}" asks REGEX "^#define _GNU_SOURCE" LIMIT_COUNT 1)
            if(asks)
                set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_DEFINITIONS _GNU_SOURCE)
            endif()
        endforeach()
    endif()
endfunction()

# weft_library(name PURE|POSIX|GNU [LINKS targets…] [EXCLUDE files…] [FOLDER folder])
# All .c files of the folder (or of this one). A folder without any is an empty library, so that
# others may link it from the first day.
function(weft_library name kind)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "FOLDER" "LINKS;EXCLUDE")
    set(folder "${CMAKE_CURRENT_SOURCE_DIR}")
    if(arg_FOLDER)
        string(APPEND folder "/${arg_FOLDER}")
    endif()
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.c")
    foreach(file IN LISTS arg_EXCLUDE)
        list(REMOVE_ITEM sources "${folder}/${file}")
    endforeach()
    if(NOT sources)
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${arg_LINKS})
        return()
    endif()
    add_library(${name} STATIC ${sources})
    weft_compile_rules(${name} ${kind})
    target_link_libraries(${name} PUBLIC ${arg_LINKS})
endfunction()

# weft_program(name SOURCES files… LINKS targets…)
function(weft_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
    add_executable(${name} ${arg_SOURCES})
    weft_compile_rules(${name} POSIX)
    target_link_libraries(${name} PRIVATE ${arg_LINKS})
endfunction()

# A test may name more libraries than its folder's own, in a line of its source:
#     // links: weft_disk weft_sys
function(weft_links_asked_by source out_links)
    file(STRINGS "${source}" lines REGEX "^// links: " LIMIT_COUNT 1)
    string(REPLACE "// links: " "" links "${lines}")
    separate_arguments(links)
    set(${out_links} ${links} PARENT_SCOPE)
endfunction()

# tests/unit/broker/core/job_test.c becomes the program broker_core_job_test, the test
# unit.broker/core/job, and links weft_broker_core.
function(weft_unit_test source)
    file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}/tests/unit" "${source}")
    string(REGEX REPLACE "_test\\.c$" "" claim "${path}")
    string(REPLACE "/" "_" name "${claim}_test")
    get_filename_component(folder "${path}" DIRECTORY)
    string(REGEX REPLACE "^lib/" "" library "${folder}")
    string(REPLACE "/" "_" library "weft_${library}")

    add_executable(${name} "${source}")
    weft_compile_rules(${name} GNU)
    weft_links_asked_by("${source}" links)
    if(TARGET ${library})
        list(PREPEND links ${library})
    endif()
    target_link_libraries(${name} PRIVATE weft_test_support ${links} weft_sys weft_base)
    add_test(NAME "unit.${claim}" COMMAND ${name})
    set_tests_properties("unit.${claim}" PROPERTIES LABELS unit TIMEOUT 60)
endfunction()

# tests/fuzz/wire_fuzz.c becomes wire_fuzz: a libFuzzer program in the fuzz preset, and elsewhere a
# program that runs the files of tests/fuzz/corpus/wire/ once.
function(weft_fuzzer source)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" subject "${name}")
    set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${subject}")
    if(WEFT_FUZZ)
        add_executable(${name} "${source}")
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} "${source}" "${PROJECT_SOURCE_DIR}/tests/support/replay.c")
    endif()
    weft_compile_rules(${name} GNU)
    weft_links_asked_by("${source}" links)
    target_link_libraries(${name} PRIVATE ${links} ${weft_libraries})
    if(NOT WEFT_FUZZ)
        add_test(NAME "fuzz.${subject}" COMMAND ${name} "${corpus}")
        set_tests_properties("fuzz.${subject}" PROPERTIES LABELS fuzz TIMEOUT 60)
    endif()
endfunction()

# A script that drives the program from outside, found through WEFT_BIN.
function(weft_script_test label source)
    get_filename_component(stem "${source}" NAME_WE)
    string(REGEX REPLACE "_test$" "" stem "${stem}")
    set(command "${source}")
    if(source MATCHES "\\.py$")
        set(command "${WEFT_PYTHON}" "${source}")
    elseif(source MATCHES "\\.sh$")
        set(command bash "${source}")
    endif()
    add_test(NAME "${label}.${stem}" COMMAND ${command})
    set_tests_properties("${label}.${stem}" PROPERTIES
        LABELS ${label}
        TIMEOUT 240
        ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;WEFT_BUILD=${PROJECT_BINARY_DIR}")
endfunction()
