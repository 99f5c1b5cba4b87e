# The libraries of the system. Each has one seam in the sources; see tests/arch.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

foreach(package IN ITEMS
        libzmq libczmq lmdb libprotobuf-c libmicrohttpd libcurl gnutls jansson libpcre2-8 msgpack libsodium cmocka sqlite3 libpq)
    pkg_check_modules(${package} QUIET IMPORTED_TARGET ${package})
    if(NOT ${package}_FOUND)
        message(FATAL_ERROR "${package} is missing: run 'make deps'")
    endif()
endforeach()

# Only what the benchmark compares with.
pkg_check_modules(hiredis QUIET IMPORTED_TARGET hiredis)

find_program(PROTOC_C protoc-c REQUIRED)

# Debian's own interpreter, because the Python modules come from Debian too.
find_program(WEFT_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(WEFT_PYTHON python3 REQUIRED)

# The official tests of JSON Schema, wherever their package keeps them.
execute_process(COMMAND dpkg -L libtest-json-schema-acceptance-perl
    OUTPUT_VARIABLE files ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX MATCH "[^\n]*/tests/draft2020-12/type\\.json" file "${files}")
if(NOT file)
    message(FATAL_ERROR "libtest-json-schema-acceptance-perl is missing: run 'make deps'")
endif()
string(REPLACE "/draft2020-12/type.json" "" WEFT_SCHEMA_SUITE "${file}")
