"""The layers of Weft as data. docs and design say why; a change here is a change of the architecture."""

# What is compiled into a program, and therefore checked. Tests may include anything.
PRODUCT = ("lib", "proto", "broker", "gateway", "worker", "outbox", "mdp", "notify", "cli")

# Folders that decide and never act. `proto` is pure too, but calls protobuf-c.
PURE = ("lib/base", "lib/peer", "lib/post/core", "proto", "broker/core", "gateway/core",
        "gateway/hooks/core", "worker/core", "outbox/core", "mdp/core")

# Folders compiled with all of glibc's declarations (see cmake/targets.cmake).
GNU = ("lib/sys", "worker/exec", "tests")

# folder -> folders or single files it may include. Its own folder is always allowed, subfolders count.
LIBRARIES = ["lib/base", "lib/sys", "lib/link", "lib/disk", "lib/http", "lib/peer", "lib/post", "lib/schema",
             "lib/client"]
LAYERS = {
    "lib/base": [],
    "lib/sys": ["lib/base"],
    "lib/link": ["lib/base", "lib/sys"],
    "lib/disk": ["lib/base", "lib/sys"],
    "lib/http": ["lib/base", "lib/sys"],
    "lib/peer": ["lib/base"],
    "lib/post/core": ["lib/base"],
    "lib/post": ["lib/base", "lib/sys"],
    "lib/schema": ["lib/base"],
    # A question and its answer: the only part of lib that speaks the contract.
    "lib/client": ["lib/base", "lib/sys", "lib/link", "lib/peer", "proto"],
    "proto": ["lib/base"],
    "broker/core": ["lib/base", "proto/msg.h", "proto/labels.h"],
    "broker/store": ["lib/base", "lib/sys", "lib/disk", "broker/core", "proto/labels.h"],
    "broker/order": ["lib/base", "lib/sys", "lib/disk", "broker/core", "broker/store"],
    "broker/shell": LIBRARIES + ["proto", "broker"],
    "gateway/core": ["lib/base", "proto/msg.h", "proto/labels.h", "proto/hook.h"],
    "gateway/store": ["lib/base", "lib/sys", "lib/disk", "gateway/core"],
    "gateway/http": ["lib/base", "lib/sys", "lib/http", "proto/msg.h", "gateway/core"],
    "gateway/hooks/core": ["lib/base", "lib/post/core", "proto/msg.h", "gateway/core"],
    "gateway/shell": LIBRARIES + ["proto", "gateway"],
    "worker/core": ["lib/base", "lib/post/core", "proto/msg.h", "proto/labels.h"],
    # A worker without its handlers: shared by the program and the SDK.
    "worker/duty": LIBRARIES + ["proto", "worker/core", "worker/journal"],
    "worker/sdk": LIBRARIES + ["proto", "worker/core", "worker/journal", "worker/duty"],
    "worker/exec": ["lib/base", "lib/sys", "worker/core"],
    "worker/journal": ["lib/base", "lib/sys", "lib/disk", "worker/core"],
    "worker/shell": LIBRARIES + ["proto", "worker"],
    # The relay of the user's own outbox: a client of the broker that reads records as the gateway does.
    "outbox/core": ["lib/base", "proto/msg.h", "proto/check.h", "gateway/core"],
    "outbox/source": ["lib/base", "lib/sys", "outbox/core"],
    "outbox/shell": LIBRARIES + ["proto", "outbox", "gateway/core"],
    # The Majordomo front: a client, and workers without handlers of its own.
    "mdp/core": ["lib/base", "proto/msg.h"],
    "mdp/shell": LIBRARIES + ["proto", "mdp", "worker/duty", "worker/core", "worker/journal"],
    # The sender of webhooks: a worker on the broker's side, on the other the gateway's rules for receivers
    # and its courier, which asks for what is to be told (docs/adr/0028).
    "notify": LIBRARIES + ["proto", "worker/core", "worker/duty", "gateway/core", "gateway/hooks",
                           "gateway/shell/courier.h", "gateway/shell/shown.h"],
    # The command knows the programs by their front doors only; it shares the gateway's pure reader and
    # writer of the HTTP contract's JSON, so that both doors take the same records.
    "cli": LIBRARIES + ["proto", "worker/sdk", "gateway/core", "broker/shell", "gateway/shell", "worker/shell",
            "outbox/shell", "mdp/shell", "notify"],
}

# Headers of libc a pure folder may read. <assert.h> only for static_assert: a call of assert() would
# show in the object.
PURE_LIBC = {"assert.h", "inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}
BASE_LIBC = {"assert.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}

# third-party header (prefix) -> where it may be included, and in how many files at most.
SEAMS = {
    "zmq": (["lib/link/"], None),
    "czmq": (["lib/link/", "lib/sys/config.c"], None),
    "lmdb": (["lib/disk/"], None),
    "microhttpd": (["lib/http/"], None),
    "gnutls": (["lib/http/http_tls.c"], 1),
    "sodium": (["lib/sys/"], None),
    "protobuf-c": (["proto/wire"], None),
    "weft.pb-c": (["proto/wire"], None),
    "msgpack": (["gateway/", "lib/", "worker/"], 1),
    "jansson": (["lib/schema/"], None),
    "pcre2": (["lib/schema/schema_regex.c"], 1),
    "curl": (["lib/post/post.c"], 1),
    "sqlite3": (["outbox/source/source_sqlite.c"], 1),
    "libpq": (["outbox/source/source_postgresql.c"], 1),
    "hiredis": ([], 0),
}

# What a pure object may leave undefined, besides what other pure objects define.
PURE_CALLS = {"memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "check_failed",
              "_GLOBAL_OFFSET_TABLE_"}
# proto/wire*.c: the codec, and the code generated from the contract.
WIRE_CALLS = ("protobuf_c_", "weft__")

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
# Here a static on_*() has the signature its library wants.
CALLBACKS = ("lib/http", "lib/link", "lib/disk", "lib/post")

# Exports that do not begin with their file's stem: file -> prefixes.
STEM_EXCEPTIONS = {
    "broker/shell/main.c": ("broker_",),
    "gateway/shell/main.c": ("gateway_",),
    "worker/shell/main.c": ("worker_",),
    "notify/main.c": ("notify_",),
    "cli/main.c": ("main",),
}
# The public SDK exports weft_* and nothing else.
SDK = "worker/sdk"

# What must be written down for users: what, the files that define it, the pattern that finds a name
# there. As code (`name`, a fenced block, or the first cell of a table's row) on any page of docs/.
DOCUMENTED = [
    ("error", ["lib/base/err.h"], r'X\(ERR_\w+,\s*\d+,\s*\d+,\s*\w+,\s*"([a-z-]+)"'),
    ("limit", ["broker/core/limits.h"], r"^    (?:uint32_t|uint64_t|size_t|when_ms) (\w+);"),
    ("configuration key", ["cli/*.c", "broker/shell/*.c", "gateway/shell/*.c", "worker/shell/*.c", "notify/*.c"],
     r'\{\s*(?:\.key\s*=\s*)?"([a-z][a-z0-9-]*)",\s*(?:\.type\s*=\s*)?CONFIG_'),
    ("metric", ["broker/shell/*.c", "gateway/shell/*.c", "gateway/http/*.c", "worker/shell/*.c", "notify/*.c"],
     r"# TYPE (weft_\w+)"),
    ("violation", ["broker/core/violation.h"], r'X\(VIOLATION_\w+,\s*"([a-z]+-[a-z-]+)"'),
    ("verb", ["cli/*.c"], r'^ +\{\s*(?:\.(?:name|verb)\s*=\s*)?"([a-z-]+)",\s*(?:\.run = )?\w+_\w+,'),
]
# The variables that handlers are given, and every configuration key: a weft in a handler must not take
# its job's type for --type.
HANDLER_VARIABLES = ["worker/shell/crew*.c", "worker/exec/leftover.h"]
HANDLER_VARIABLE = r'"WEFT_([A-Z_]+)[="]'
KEYS = (["lib/sys/*.h", "cli/*.c", "broker/shell/*.c", "gateway/shell/*.c", "worker/shell/*.c", "notify/*.c"],
        r'(?:\.key\s*=\s*|\{\s*)"([a-z][a-z0-9-]*)",[\s\\]*(?:\.type\s*=\s*)?CONFIG_')
# A kind sleeps until the documents name this share of it; from then on all of it must be there.
DOCUMENTED_AWAKE = 0.3
