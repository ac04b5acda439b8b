"""tiphys server over files and disks that are not as they were left: full, read-only, damaged."""
import os
import shutil
import subprocess

import pytest
from conftest import TIPHYS, wait_until
from serving import CONFIGMAPS, WORKFLOWS, Book, Server, db_check, fan, is_status, servers, waiting  # noqa: F401 (fixtures)

PAGE = 4096


def filled(servers, n=60):
    """A store with some objects and their history, left in order: its path, and who knows what is in it."""
    server = servers()
    book = Book("w")
    for i in range(n):
        at = book.configmap(server)
        for value in ("marker-one-", "marker-two-"):
            book.patch(server, at, f"{value}{i:03}-" + "x" * 1500)
    for _ in range(5):
        book.submit(server, waiting(book.name()))
    server.await_over()
    server.stop()
    return server.state / "store.db", book


def damage(path, page, at=0, n=200):
    """Other bytes in a page, as a broken disk gives them; what was there."""
    with open(path, "r+b") as f:
        f.seek(page * PAGE + at)
        old = f.read(n)
        f.seek(page * PAGE + at)
        f.write(bytes(b ^ 0x5A for b in old))
    return page * PAGE + at, old


def repair(path, damaged):
    with open(path, "r+b") as f:
        f.seek(damaged[0])
        f.write(damaged[1])


def page_with(path, text):
    """The number of a page that has this text."""
    with open(path, "rb") as f:
        pages = f.read()
    found = pages.find(text.encode())
    assert found >= 0
    return found // PAGE


def refused(state, *options):
    """What a server that does not start says."""
    done = subprocess.run([TIPHYS, "server", "--plain-http", "--listen", "127.0.0.1:0", "--state", state, *options],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 1, done.stderr
    return done.stderr


def comes_back(servers, book):
    """It starts, and all is there."""
    server = servers()
    server.await_over()
    book.check(server)
    server.stop()
    db_check(server.state)


def test_a_damaged_last_page(servers):
    path, book = filled(servers)
    damaged = damage(path, path.stat().st_size // PAGE - 1)
    check = subprocess.run([TIPHYS, "db", "check", path], capture_output=True, text=True)
    assert check.returncode == 1 and str(path) in check.stdout + check.stderr
    server = Server(path.parent, wait=False)
    try:
        line = server.process.stdout.readline()
        if line:  # nothing that the start needs is on that page
            server.url, server.port = line.split()[-1], int(line.rsplit(":", 1)[1])
            server.kill()
        else:
            assert server.process.wait(timeout=60) == 1
            assert f"{path}: " in server.said() and "put a backup in its place" in server.said()
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
    repair(path, damaged)
    comes_back(servers, book)


@pytest.mark.parametrize("at, says", [(0, "this is no SQLite file"), (16, "its header is damaged")])
def test_a_damaged_header(servers, at, says):
    path, book = filled(servers)
    damaged = damage(path, 0, at, 2)
    said = refused(path.parent)
    assert f"error: {path}: " in said and says in said and "put a backup in its place" in said
    repair(path, damaged)
    comes_back(servers, book)


def test_a_file_that_was_cut(servers):
    path, book = filled(servers)
    whole = path.read_bytes()
    os.truncate(path, len(whole) - PAGE)
    said = refused(path.parent)
    assert f"error: {path}: it is cut off" in said and "put a backup in its place" in said
    path.write_bytes(whole)
    comes_back(servers, book)


def test_a_damaged_wal(servers):
    """What was acknowledged would be lost silently: it is refused, and the files stay as they are."""
    path, book = filled(servers)
    server = servers()
    at = book.configmap(server)
    for i in range(20):
        book.patch(server, at, str(i))
    server.kill()
    wal = path.with_name("store.db-wal")
    before = wal.read_bytes()
    damaged = damage(wal, 0, at=32 + 24 + 100)
    said = refused(path.parent)
    assert f"error: {wal}: its frame 1 is damaged, and the " in said and "transactions behind it would be lost" in said
    assert "put a backup in the place of both files" in said
    repair(wal, damaged)
    assert wal.read_bytes() == before
    comes_back(servers, book)


def test_damage_is_found_in_the_background_after_a_crash(servers):
    """In the history, which nothing reads at the start."""
    path, book = filled(servers)
    server = servers()
    book.configmap(server)
    server.kill()
    subprocess.run([TIPHYS, "db", "check", path], check=True, capture_output=True)  # the WAL goes into the file
    damaged = damage(path, page_with(path, "marker-one-007"))
    server = servers()
    book.configmap(server)
    assert server.ready() == (200, "[+]ping ok\n[+]store ok\n[+]integrity ok\n[+]workflows ok\nreadyz check passed\n")
    assert server.metric("tiphys_store_checks_total") == 0  # it had been left in order
    server.kill()
    server = servers()
    wait_until(lambda: "[-]integrity failed: " in server.ready()[1])
    assert server.ready()[0] == 500
    wait_until(lambda: "the store's file is damaged: put a backup in its place, or try tiphys db check" in server.said())
    assert server.metric("tiphys_store_checks_total", result="damaged") >= 1
    assert server.metric("tiphys_healthy", check="integrity") == 0
    book.configmap(server)  # who is not concerned goes on
    book.submit(server, waiting("w-more"))
    server.await_over()
    book.check(server)
    server.kill()
    subprocess.run([TIPHYS, "db", "check", path], capture_output=True)
    repair(path, damaged)
    server = servers()
    book.configmap(server)
    server.kill()
    server = servers()
    wait_until(lambda: server.metric("tiphys_store_checks_total", result="ok") == 1)
    assert server.ready()[0] == 200
    wait_until(lambda: "all of the store's file was checked, nothing is wrong" in server.said())
    server.stop()
    comes_back(servers, book)


def small_disk(tmp_path):
    """A file system of 12 MiB, for who runs in its name space: words before a command, and the directory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=12m,mode=755 disk "{disk}" && exec "$@"', "sh"]
    if subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        pytest.skip("nobody here may mount a small disk")
    return words, disk


def test_a_disk_that_is_really_full(tmp_path):
    words, disk = small_disk(tmp_path)
    server = Server(disk / "state", program=words)
    try:
        inside = f"/proc/{server.process.pid}/root{disk}"
        book = Book("w")
        at = book.configmap(server)
        book.submit(server, fan("w-one", 1))
        with pytest.raises(OSError):
            with open(f"{inside}/ballast", "wb", buffering=0) as ballast:
                while True:
                    ballast.write(b"x" * 65536)
        for i in range(2000):  # what is left of the last block of the WAL
            book.patch(server, at, str(i) * 50)
            if book.refusals:
                break
        assert "there is no room left on the disk\n  make some" in book.refusals[-1]
        wait_until(lambda: "[-]store failed: " in server.ready()[1])
        status, text = server.raw("POST", WORKFLOWS, waiting("w-none"))
        assert status == 500 and is_status(text)
        book.check(server)
        os.unlink(f"{inside}/ballast")
        wait_until(lambda: server.ready()[0] == 200)
        book.submit(server, waiting("w-two"))
        server.await_over()
        book.check(server)
        server.stop()
        assert server.process.returncode == 0
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()


def test_a_read_only_disk(servers, tmp_path):
    path, book = filled(servers, 3)
    words = ["unshare", "--mount", "sh", "-c", f'mount --bind -o ro "{path.parent}" "{path.parent}" && exec "$@"', "sh"]
    if subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        pytest.skip("nobody here may mount a disk read-only")
    server = [TIPHYS, "server", "--plain-http", "--listen", "127.0.0.1:0", "--state", path.parent]
    done = subprocess.run([*words, *server], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and f"error: {path}-lock: Read-only file system" in done.stderr
    comes_back(servers, book)


def test_a_backup_takes_the_place_of_what_is_damaged(servers, tmp_path):
    path, book = filled(servers, 5)
    copy = tmp_path / "copy.db"
    server = servers()
    subprocess.run([TIPHYS, "db", "backup", path, copy], check=True, capture_output=True)  # while it is used
    server.stop()
    damage(path, 0, 0, 16)
    refused(path.parent)
    shutil.copy(copy, path)
    comes_back(servers, book)
