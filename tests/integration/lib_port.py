"""A port for a program that a test starts again: nobody else gets it meanwhile."""

import socket


def held_port():
    """A port of the loopback that is this process's to the end, also while nobody listens at it. The kernel gives it
    to no one who asks for any port, nor to one that connects as its own end; who binds it by its number, with
    SO_REUSEADDR, gets it. Many tests run beside each other, and a program needs a moment to come back."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    holder.detach()
    return port
