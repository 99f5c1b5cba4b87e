# The libraries of the system. Each has one seam in the sources; see tests/arch.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

foreach(package IN ITEMS
        libzmq libczmq lmdb libprotobuf-c libmicrohttpd jansson msgpack libsodium cmocka sqlite3)
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
