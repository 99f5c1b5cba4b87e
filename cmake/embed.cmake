# Makes a C source of a file's bytes: cmake -DIN=file -DOUT=file.c -DNAME=name -P embed.cmake
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n    "
    bytes "${bytes}")
file(WRITE "${OUT}" "#include <stddef.h>\n#include <stdint.h>\n\nextern const uint8_t ${NAME}[];\n"
    "extern const size_t ${NAME}_len;\n\nconst uint8_t ${NAME}[] = {\n    ${bytes}\n};\n"
    "const size_t ${NAME}_len = sizeof ${NAME};\n")
