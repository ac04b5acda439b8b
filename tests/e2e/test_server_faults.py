"""tiphys server when calls of it fail: the Nth step of SQLite, write, flush, descriptor, connection, process."""
import errno

import pytest
from conftest import leftovers, wait_until
from faults import (DIE, DIE_AFTER, FAIL, FAIL_AFTER, LIBRARY, SHORT, SQLITE_FULL, SQLITE_IOERR, Panel)
from serving import BODY, CONFIGMAPS, WORKFLOWS, Book, db_check, fan, ledger, plugin_configmap, servers, waiting  # noqa: F401 (fixtures)

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} was not built")


@pytest.fixture
def panel(tmp_path):
    return Panel(tmp_path / "faults")


@pytest.fixture
def start(servers, panel, ledger, tmp_path, port):
    """A server with faults and the plugin `probe`."""
    configmap = plugin_configmap(tmp_path, "probe", port, BODY.format(ledger=ledger.port, polls=1))

    def begin(*options):
        server = servers(*options, **panel.environment)
        if not server.items(CONFIGMAPS + "?labelSelector=workflows.argoproj.io/configmap-type"):
            assert server.ask("POST", CONFIGMAPS, configmap)[0] == 201
        return server

    return begin


def load(server, book):
    """A little of everything, on a connection of its own."""
    server.hang_up()
    at = book.configmap(server)
    name = book.submit(server, fan(book.name(), 2))
    book.patch(server, at, "1")
    doomed = book.submit(server, waiting(book.name()))
    book.delete(server, f"{WORKFLOWS}/{doomed}")
    book.delete(server, book.configmap(server))
    book.patch(server, at, "2")
    return name


def settle(server, book):
    """What is under way comes to its end; all that was acknowledged is there."""
    phases = server.await_over()
    assert all(phase == "Succeeded" for phase in phases.values()), (phases, server.said()[-3000:])
    book.check(server)


def keys_are_right(server, ledger):
    """Each task was known by one key, however often it was called."""
    called = {key for _, key, _, _ in ledger.calls}
    for w in server.items(WORKFLOWS):
        leaves = {i for i, node in w["status"]["nodes"].items() if node["type"] == "Plugin"}
        assert {k for k in called if k.startswith(w["metadata"]["uid"])} == {f"{w['metadata']['uid']}/{i}/0" for i in leaves}


# Which call fails, how, and what it says. Each kind fails at its 1st, 2nd, ... call of a load, one a load.
FAULTS = {
    "a step": ("step", FAIL, SQLITE_IOERR),
    "a step that was done": ("step", FAIL_AFTER, SQLITE_FULL),
    "a write of the store": ("write", FAIL, errno.EIO),
    "a write without room": ("write", FAIL, errno.ENOSPC),
    "half a write": ("write", SHORT, 0),
    "a read of the store": ("read", FAIL, errno.EIO),
    "a flush": ("sync", FAIL, errno.EIO),
    "a flush that was done": ("sync", FAIL_AFTER, errno.EIO),
    "memory of SQLite": ("memory", FAIL, 0),
    "no descriptor": ("handle", FAIL, errno.EMFILE),
    "accept": ("accept", FAIL, errno.EMFILE),
    "accept, who left": ("accept", FAIL, errno.ECONNABORTED),
    "connect": ("connect", FAIL, errno.ECONNREFUSED),
    "send": ("send", FAIL, errno.ECONNRESET),
    "half a send": ("send", SHORT, 0),
    "receive": ("receive", FAIL, errno.ECONNRESET),
    "half a receive": ("receive", SHORT, 0),
}


@pytest.mark.parametrize("what", FAULTS)
def test_one_call_fails(start, panel, ledger, what):
    point, action, error = FAULTS[what]
    server = start()
    load(server, warm := Book("warm"))
    settle(server, warm)
    struck = 0
    wanted = 2 if point in ("accept", "handle") else 5  # a load has few of these
    for n in (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50, 80, 120):
        book = Book(f"n{n}")
        panel.at(point, n, error, action, times=1 + n % 4)
        load(server, book)
        server.await_over(prefix=f"n{n}-")
        struck += panel.struck(point)
        panel.clear()
        assert server.alive(), server.said()[-3000:]
        settle(server, book)
        keys_are_right(server, ledger)
    assert struck >= wanted
    assert server.ready()[0] == 200
    server.stop()
    db_check(server.state)
    settle(start(), book)


def test_readiness_means_that_writes_are_kept(start, panel):
    """A full disk is seen in /readyz, which tells anybody no more than that; /livez is about the process."""
    server = start()
    assert server.raw("GET", "/readyz") == (200, b"ok")
    assert server.ready() == (200, "[+]ping ok\n[+]read ok\n[+]write ok\nreadyz check passed\n")
    with panel.while_("write", errno.ENOSPC):
        status, said = server.ask("POST", CONFIGMAPS, {"metadata": {"name": "lost"}})
        assert status == 500 and "no room left" in said["message"], said
        assert server.raw("GET", "/readyz") == (500, b"[+]ping ok\n[+]read ok\n[-]write failed: reason withheld\nreadyz check failed\n")
        assert server.raw("GET", "/healthz")[0] == 500
        assert server.raw("GET", "/livez") == (200, b"ok")
    assert server.ask("POST", CONFIGMAPS, {"metadata": {"name": "kept"}})[0] == 201
    assert server.raw("GET", "/readyz") == (200, b"ok")
    server.stop()
