"""Fixtures: each test has a server, and stops whatever it started."""

import pytest

from lampfield import Console, Server, Sim


@pytest.fixture
def cleanup():
    """Call it with anything that has stop() or close()."""
    things = []

    def later(thing):
        things.append(thing)
        return thing

    yield later
    for thing in reversed(things):
        thing.stop() if hasattr(thing, "stop") else thing.close()


@pytest.fixture
def server(tmp_path, cleanup):
    return cleanup(Server(tmp_path).start())


@pytest.fixture
def sim(tmp_path, cleanup):
    return cleanup(Sim(tmp_path))


@pytest.fixture
def console(server, cleanup):
    """Logged in, with nothing subscribed."""
    server.add_operator()
    c = cleanup(Console(server))
    c.login()
    return c
