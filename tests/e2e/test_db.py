"""tiphys db: the file of a store is looked after."""
import pytest


@pytest.mark.parametrize("verb, rest", [("check", []), ("backup", ["copy.db"]), ("compact", [])])
def test_a_file_that_is_not_there_is_an_error_and_is_not_made(tiphys, tmp_path, verb, rest):
    missing = tmp_path / "state.db"
    done = tiphys("db", verb, missing, *rest)
    assert done.code == 1 and done.out == ""
    assert f"{missing}: there is no such file" in done.err and "run --state" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb, rest", [("check", []), ("backup", ["copy.db"]), ("compact", [])])
def test_what_is_no_store_is_refused(tiphys, tmp_path, verb, rest):
    other = tmp_path / "notes.txt"
    other.write_text("hello\n")
    done = tiphys("db", verb, other, *rest)
    assert done.code == 1 and f"error: {other}: " in done.err and "put a backup in its place" in done.err
    assert other.read_text() == "hello\n"
    done = tiphys("db", verb, tmp_path, *rest)
    assert done.code == 1 and "this is no file" in done.err


@pytest.mark.parametrize("arguments", [["check"], ["check", "a", "b"], ["backup", "a"], ["compact"]])
def test_wrong_usage_ends_with_2(tiphys, arguments):
    done = tiphys("db", *arguments)
    assert done.code == 2 and f"see tiphys db {arguments[0]} --help" in done.err
