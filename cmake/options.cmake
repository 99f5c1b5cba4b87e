# Language, warnings, sanitizers and hardening. The presets set the WEFT_* variables.

set(WEFT_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize= (address,undefined or thread)")
option(WEFT_HARDEN "build with the hardening flags of a release" OFF)
option(WEFT_FUZZ "build the fuzzers with libFuzzer (needs clang)" OFF)
option(WEFT_COVERAGE "instrument for gcov" OFF)
option(WEFT_WERROR "warnings are errors" ON)
set(WEFT_SIM_SEEDS 1000 CACHE STRING "seeds in one simulation run of ctest")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# NDEBUG is never set: what is checked in a debug build is checked in the product.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(weft_warnings
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wswitch-enum
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wformat=2 -Wcast-qual -Wwrite-strings)
if(WEFT_WERROR)
    list(APPEND weft_warnings -Werror)
endif()

# A program names only the libraries it really calls.
add_link_options(-Wl,--as-needed)

if(WEFT_SANITIZE)
    add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()

# What hangs is ended; several times what a machine needs that is ten times as busy as it should be, for a test waits
# for events and says itself which one did not come. ThreadSanitizer makes a program some ten times slower.
set(WEFT_UNIT_SECONDS 300)
set(WEFT_PROGRAM_SECONDS 600)
if(WEFT_SANITIZE STREQUAL "thread")
    set(WEFT_UNIT_SECONDS 600)
    set(WEFT_PROGRAM_SECONDS 900)
endif()

if(WEFT_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "libFuzzer needs clang: cmake --preset fuzz")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(WEFT_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()

if(WEFT_HARDEN)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES C)
    add_compile_options(
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        add_compile_options(-fcf-protection=full)
    endif()
endif()
