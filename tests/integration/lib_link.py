"""A wire between two programs that can be harmed: cut, held back in one or both directions, made to trickle."""

import random
import socket
import threading
import time

THERE, BACK = range(2)  # as the one sees it who connects
TRICKLE_LEN, TRICKLE_S = 200, 0.001


class Link:
    """Carries the bytes of whoever connects to `endpoint` to a port of this machine. Any thread."""

    def __init__(self, port):
        self.port = port
        self.pairs = set()
        self.changed = threading.Condition()  # for the pairs and what is held
        self.held = [0, 0]                    # by direction: how many hold it
        self.trickles = 0
        self.is_closing = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                near.close()
                continue
            pair = (near, far)
            with self.changed:
                self.pairs.add(pair)
            for direction, (source, target) in enumerate((pair, pair[::-1])):
                threading.Thread(target=self._carry, args=(source, target, direction, pair), daemon=True).start()

    def _carry(self, source, target, direction, pair):
        try:
            while piece := source.recv(65536):
                with self.changed:
                    self.changed.wait_for(lambda: not self.held[direction] or pair not in self.pairs)
                self._send(target, piece)
        except OSError:
            pass
        self._end(pair)

    def _send(self, target, piece):
        while self.trickles and piece:
            target.sendall(piece[:TRICKLE_LEN])
            piece = piece[TRICKLE_LEN:]
            time.sleep(TRICKLE_S)
        target.sendall(piece)

    def _end(self, pair):
        with self.changed:
            if pair not in self.pairs:
                return
            self.pairs.remove(pair)
            self.changed.notify_all()
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it was closed from the other side
            end.close()

    def cut(self):
        """Ends all connections; new ones are taken."""
        with self.changed:
            pairs = list(self.pairs)
        for pair in pairs:
            self._end(pair)

    def hold(self, *directions):
        """Nothing gets through, of what is new either, until what is returned is called."""
        self._count_held(directions, 1)
        return lambda: self._count_held(directions, -1)

    def _count_held(self, directions, more):
        with self.changed:
            for direction in directions:
                self.held[direction] += more
            self.changed.notify_all()

    def trickle(self):
        """A few bytes at a time, until what is returned is called."""
        self.trickles += 1

        def mend():
            self.trickles -= 1
        return mend

    def harm(self, rng: random.Random):
        """One of all that, as chance has it: (its name, what mends it)."""
        name = rng.choice(["cut", "held both ways", "held there", "held back", "held and cut", "slow"])
        if name == "cut":
            self.cut()
            return name, lambda: None
        if name == "slow":
            return name, self.trickle()
        mend = self.hold(*{"held there": [THERE], "held back": [BACK]}.get(name, [THERE, BACK]))
        return name, mend if name != "held and cut" else lambda: (self.cut(), mend())

    def close(self):
        self.listener.close()
        self.cut()
