"""CURVE keys for the tests of this folder, made by `weft key`."""

import json
import os
import subprocess

import zmq.auth

from lib_broker import PATIENCE_S


class Key:
    def __init__(self, path, server):
        self.path = path  # of the secret certificate
        self.public, self.secret = zmq.auth.load_certificate(path)
        self.server = server


class Keys:
    """A directory of keys below `place`."""

    def __init__(self, place):
        self.place, self.dir = place, os.path.join(place, "keys")
        os.makedirs(place, exist_ok=True)

    def weft(self, *words, code=0):
        done = subprocess.run([os.environ["WEFT_BIN"], "key", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE_S, check=False, text=True, cwd=self.place)
        assert done.returncode == code, (words, done)
        return done

    @property
    def server_file(self):
        return os.path.join(self.dir, "broker.pub")

    @property
    def server(self):
        return zmq.auth.load_certificate(self.server_file)[0]

    def new(self, name, scopes="submit,read,work,admin", tenant="default", *flags):
        path = os.path.join(self.place, f"{name}.key")
        self.weft("new", name, "--tenant", tenant, "--scopes", scopes, "--secret", path, "--keys", self.dir, *flags)
        return Key(path, self.server)

    def stranger(self):
        """A pair that nobody has allowed."""
        key = Key.__new__(Key)
        key.path = None
        key.public, key.secret = zmq.curve_keypair()
        key.server = self.server
        return key

    def allow(self, name, public, scopes="submit,read", tenant="default", code=0):
        return self.weft("allow", name, public, "--tenant", tenant, "--scopes", scopes, "--keys", self.dir, code=code)

    def revoke(self, name, code=0):
        return self.weft("revoke", name, "--keys", self.dir, code=code)

    def limit(self, tenant, *flags):
        self.weft("limit", tenant, "--keys", self.dir, *flags)

    def list(self):
        return json.loads(self.weft("list", "--keys", self.dir, "-o", "json").stdout)

    def flags(self, key):
        """Of a peer."""
        return ("--curve-key", key.path, "--curve-server", self.server_file)
