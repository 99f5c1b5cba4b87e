"""Receivers of webhooks that behave as they are told: well, slowly, wrongly or not at all."""

import socket
import socketserver
import threading
import time


def answer(status, body=b"", **headers):
    """The bytes of an answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_request(reader):
    """Head line, headers (lower case) and body; None at the end of the connection."""
    first = reader.readline(65536)
    if not first:
        return None
    headers = {}
    while True:
        line = reader.readline(65536).rstrip(b"\r\n")
        if not line:
            break
        name, _, value = line.partition(b":")
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    body = reader.read(int(headers.get("content-length", "0")))
    return first.decode("latin-1").strip(), headers, body


class Receiver:
    """A server on a free port of `host`. `behave(receiver, connection, request)` answers each request; it
    returns False to end the connection. `requests` are those that came whole, `connections` all that were
    accepted."""

    def __init__(self, behave=None, host="127.0.0.1", port=0, context=None, family=socket.AF_INET):
        self.behave = behave or (lambda receiver, connection, request: connection.sendall(answer(200)))
        self.requests, self.connections, self.lock = [], 0, threading.Condition()
        self.stopping = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, address_family, request_queue_size = True, True, family, 256

            def get_request(self):
                connection, peer = super().get_request()
                with outer.lock:
                    outer.connections += 1
                    outer.lock.notify_all()
                return connection, peer

            def handle_error(self, *_):
                pass  # a client that gives up is no error here

        self.context = context
        self.server = Server((host, port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def serve(self, connection):
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader:
            while not self.stopping.is_set():
                request = read_request(reader)
                if request is None:
                    return
                with self.lock:
                    self.requests.append(request)
                    self.lock.notify_all()
                if self.behave(self, connection, request) is False:
                    return

    def url(self, path="/", scheme="http", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}{path}"

    def wait_for(self, count, timeout=60):
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.requests) >= count, timeout), f"{len(self.requests)} of {count}"
            return list(self.requests)

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


# --- bad manners ---

def slow(receiver, connection, request):
    receiver.stopping.wait(60)
    return False


def drip(receiver, connection, request):
    """A head, then a byte now and then: never silent for long, never ready."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not receiver.stopping.wait(0.05):
        connection.sendall(b"x")


def drip_head(receiver, connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not receiver.stopping.wait(0.02):
        connection.sendall(b"X-A: b\r\n")


def huge(receiver, connection, request):
    """A body without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + bytes(65536) + b"\r\n"
    while not receiver.stopping.is_set():
        connection.sendall(piece)


def huge_head(receiver, connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not receiver.stopping.is_set():
        connection.sendall(b"X-Long: " + b"y" * 8192 + b"\r\n")


def endless_interim(receiver, connection, request):
    while not receiver.stopping.is_set():
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")


def reset(receiver, connection, request):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    return False


def says(data):
    """Exactly these bytes, then the end."""
    def behave(receiver, connection, request):
        connection.sendall(data)
        return False
    return behave


def status(code, **headers):
    return lambda receiver, connection, request: connection.sendall(answer(code, **headers))
