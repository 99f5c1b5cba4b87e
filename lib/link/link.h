#pragma once

// The ZeroMQ seam: nothing else includes <zmq.h>. One thread owns a link; a context may be
// shared by the threads of a process.
//
// Every link is made with LINGER 0, IMMEDIATE (dealers queue nothing for an absent peer),
// ROUTER_MANDATORY (routers drop nothing silently), MAXMSGSIZE, ZMTP heartbeats and
// RECONNECT_IVL_MAX: nothing durable lives in a socket, credit is the backpressure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

#define LINK_VERSION "WEFT/1" // the first frame of every message sent

struct link_context;
struct link;

enum link_kind { LINK_ROUTER, LINK_DEALER, LINK_PUB, LINK_SUB, LINK_ZAP };

enum { LINK_KEY_LEN = 40 }; // a CURVE key as text (Z85)

// CURVE: who this side is, and who the other one must be.
struct link_curve {
    char public_key[LINK_KEY_LEN + 1];
    char secret_key[LINK_KEY_LEN + 1];
    char server_key[LINK_KEY_LEN + 1]; // connecting: the public key of whoever has bound
    const char *domain;                // binding: what zap.h is told; without it nobody gets in
};

struct link_options {
    enum link_kind kind;            // LINK_ZAP is made by zap_open()
    const struct link_curve *curve; // NULL: in the clear
    const char *endpoint;           // "[tcp://]127.0.0.1:7400", port 0 and localhost may be bound
    bool bind;                      // else connect
    uint32_t message_bytes_max;     // per frame
};

// ERR_NO_MEMORY, ERR_SYSTEM.
MUST_USE err link_context_open(struct link_context **out_context);
// All links of the context must be closed before.
void link_context_close(struct link_context *context);

//   ERR_BAD_FIELD        the endpoint is not valid
//   ERR_ADDRESS_IN_USE   the address is in use
//   ERR_SYSTEM           anything else; errno is kept
MUST_USE err link_open(struct link_context *context, const struct link_options *options,
                       struct link **out_link);
void link_close(struct link *link);

// The endpoint really bound, zero-terminated ("tcp://127.0.0.1:41234").
MUST_USE err link_endpoint(const struct link *link, char *out_text, size_t cap);

struct link_frame {
    _Alignas(8) unsigned char opaque[64]; // a zmq_msg_t
};

// One received message. The slices point into the frames, which may be this struct itself: it
// must not be copied, and they are valid until link_release().
struct link_message {
    struct slice route; // of a ROUTER: the sender; else empty
    struct slice version;
    struct slice envelope; // of a SUB: the topic, and the block is the body
    struct slice block;
    struct link_frame frames[4];
    uint32_t frame_count;
};

// Takes one message without waiting.
//   ERR_AGAIN       nothing is waiting
//   ERR_MALFORMED   a message of another number of frames was swallowed; out_message->route is
//                   set (ROUTER), so that the sender can be told; call link_release()
MUST_USE err link_receive(struct link *link, struct link_message *out_message);
void link_release(struct link_message *message);

// Sends route (ROUTER), version, envelope, block, all copied, without waiting.
//   ERR_AGAIN       the peer's queue is full, or a dealer has no connection; nothing was sent
//   ERR_NOT_FOUND   a router knows no such peer any more
//   ERR_NO_MEMORY   nothing was sent
MUST_USE err link_send(struct link *link, struct slice route, struct slice envelope,
                       struct slice block);

// Who has sent a message: the public key by which CURVE and the ZAP handler let the sender in; empty
// in the clear. Borrowed until link_release(). Not of a malformed message of one frame.
struct slice link_user(const struct link_message *message);
// The connection that the message came by, for link_cut(); -1 when it is not known.
int link_connection(const struct link_message *message);
// Ends a connection of this process by force; the other side may connect again. A number whose
// connection has ended may meet another one, whose owner connects again too.
void link_cut(int connection);

// What is said of a connection is as of the last link_wait() for its link, which finds it ready when
// that has changed.

// DEALER, SUB: why the last handshake failed, until one succeeds; OK: it has not.
//   ERR_NO_KEY      the other side refuses this key
//   ERR_HANDSHAKE   the two do not agree on CURVE, or on the server's key; three handshakes in a row that break off mean
//                   that, too
// libzmq tries a refused key no more: whoever wants to be let in later makes the link anew. Saying
// HELLO in vain leads to that (peer_unknown(), PEER_RECONNECT).
err link_refusal(const struct link *link);

// DEALER: how many connections have been made since link_open(). A higher number than at the last
// look means that the other side knows nothing of this one (peer_connected()).
uint32_t link_connection_count(const struct link *link);
// DEALER: a connection stands. It ends when the other side's process does, or its heartbeats; that
// somebody answers is not said.
bool link_is_connected(const struct link *link);

// PUB: one message of two frames, dropped when nobody listens.
MUST_USE err link_publish(struct link *link, struct slice topic, struct slice body);
// PUB (an XPUB underneath): how many subscriptions are there now. Cheap.
uint32_t link_subscription_count(struct link *link);

// What is one of this machine's own addresses, which no other machine reaches.
bool link_is_local(const char *endpoint);

enum { LINK_WAIT_MAX = 72 };

struct link_wait {
    struct link *link; // or NULL, then `fd` counts
    int fd;
    bool want_write;
    bool is_ready; // out
};

// At most LINK_WAIT_MAX items. Waits until one of them is ready or `timeout_ms` has passed (-1: for
// ever). An interrupting signal ends the wait early with nothing ready.
MUST_USE err link_wait(struct link_wait *items, uint32_t count, when_ms timeout_ms);
