"""The screens of `tiphys run` as a person sees them, through a real pty."""
import os
import re
import signal
import subprocess

import pytest
from conftest import TIPHYS, leftovers, wait_until, without_machine
from terminal import Terminal

NODE = "        self.reply({'node': {'phase': %r, 'message': %r}})"
ENDLESS = "        self.reply({'node': {'phase': 'Running', 'message': %r, 'progress': '1/3'}, 'requeue': %r})"
WORKING = ENDLESS % ("working", "1m52s")


@pytest.fixture
def terminal():
    """terminal(WORD..., rows=, columns=, env=): the program on a terminal."""
    opened = []

    def start(*words, **options):
        opened.append(Terminal([TIPHYS, *words], **options))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def steps(directory, names, parallel=True, key="probe"):
    """The directory's workflow as one group of steps, or one step after another; names, or whole steps."""
    group = "          - %s\n"
    text = "".join(group % (name if name.startswith("{") else "{name: %s, template: one}" % name) for name in names)
    lead = text.replace("          -", "        - -", 1) if parallel else text.replace("          -", "        - -")
    (directory / "workflow.yaml").write_text(
        "kind: Workflow\nmetadata: {name: many}\nspec:\n  entrypoint: main\n  templates:\n    - name: one\n"
        f"      plugin: {{{key}: {{}}}}\n    - name: main\n      steps:\n{lead}")
    return directory


def first_then_waits(reply):
    """A server that answers a step called `first` at once, and the others with reply."""
    return ("        if args['task']['name'].endswith('.first'):\n    " + NODE % ("Succeeded", "well done") +
            f"\n            return\n{reply}")


def test_a_live_tree_with_icons_colours_times_and_countdown(terminal, make_plugin):
    t = terminal("run", steps(make_plugin(first_then_waits(WORKING)), ["first", "second"]), columns=100)
    screen = t.wait("next call in 1m52s")
    lines = screen.text.splitlines()
    assert re.match(r" ● many +main +\d\.\ds +2/4$", lines[-4])
    assert re.match(r" └─┬─✔ first +one +probe  \d+ms +well done$", lines[-3])
    assert re.match(r"   └─● second +one +probe  \d\.\ds +1/3  working · call 1 · next call in 1m52s$", lines[-2])
    assert re.match(r"plugins  probe ready +Ctrl-C stops, twice kills$", lines[-1])
    assert [screen.colour_of(icon) for icon in "✔●"] == ["32", "36"]
    t.wait("next call in 1m51s")
    assert screen.text.count("many") == 1 and screen.above == []
    assert re.search(r"● second +one +probe  1\.\ds", screen.text)


def test_what_has_not_begun_is_yellow_and_what_failed_is_red(terminal, make_plugin):
    t = terminal("run", make_plugin("        time.sleep(0.3)\n" + NODE % ("Failed", "no luck")), columns=100)
    assert t.wait("◷").colour_of("◷") == "33"
    assert t.end() == 1
    assert t.screen.colour_of("✖") == "31" and "no luck" in t.screen.text
    assert re.search(r"^probe-\w{5} Failed in ", t.screen.text, re.M)


def test_at_the_end_the_tree_stands_once_and_whole(terminal, make_plugin):
    t = terminal("run", make_plugin(NODE % ("Succeeded", "x" * 200)), columns=60)
    assert t.end() == 0
    text = t.screen.all_text.replace("\n", "")
    assert text.count("✔") == 1 and "x" * 200 in text and "plugins" not in text
    assert t.is_sane()


@pytest.mark.parametrize("columns", [10, 20, 34, 40, 61, 79])
def test_no_line_is_wider_than_a_narrow_window(terminal, make_plugin, columns):
    names = ["first", "a-step-with-a-very-long-name-indeed"]
    reply = ENDLESS % ("日本語のメッセージ e\u0301e\u0301 " + "long " * 30, "1h")
    t = terminal("run", steps(make_plugin(first_then_waits(reply)), names), rows=40, columns=columns)
    t.wait(lambda screen: screen.text.count("●") == 2 and "✔" in screen.text)
    assert t.screen.clipped == 0
    assert re.search("● a-", t.screen.text)
    if columns in (40, 79):  # between them the countdown takes the room
        assert "日本" in t.screen.text and "…" in t.screen.text


@pytest.mark.parametrize("reflow", [True, False])
def test_resizing_leaves_one_picture_of_the_new_width(terminal, make_plugin, reflow):
    env = {} if reflow else {"XTERM_VERSION": "XTerm(379)"}
    reply = ENDLESS % ("a message that is long enough to be cut in a narrow window", "1h")
    t = terminal("run", steps(make_plugin(first_then_waits(reply)), ["first", "second"]), rows=30, columns=110,
                 env=env, reflow=reflow)
    t.wait("next call in")
    above = t.screen.all_text.split(" ● many")[0]
    for rows, columns in ((30, 50), (30, 31), (14, 90), (30, 120), (5, 70), (24, 80)):
        t.resize(rows, columns)
        before = len(t.raw)
        t.wait(lambda screen: len(t.raw) > before and screen.text.splitlines()[-1].startswith("plugins"))
        assert t.screen.text.count("● many") == 1 and t.screen.text.count("plugins  probe") == 1, t.screen.text
        assert t.screen.clipped == 0
    if reflow:  # nothing of what stood above was lost
        assert "".join(above.split()) in "".join(t.screen.all_text.split())


def test_more_nodes_than_rows(terminal, make_plugin):
    names = ["first"] + [f"s{i}" for i in range(60)]
    t = terminal("run", steps(make_plugin(first_then_waits(WORKING)), names), rows=12, columns=80)
    screen = t.wait(lambda screen: re.search(r"^ … \d+ more  ", screen.text, re.M) and "next call" in screen.text)
    assert not any("●" in line.text for line in screen.above)
    assert " ● many " in screen.text and "plugins  probe ready" in screen.text
    more = re.search(r"^ … (\d+) more(.*)$", screen.text, re.M)
    counts = [int(n) for n in re.findall(r"[◷●✔] (\d+)", more.group(2))]
    shown = len(re.findall(r"─[◷●✔] ", screen.text))
    assert sum(counts) == int(more.group(1)) == 61 - shown
    assert "✔ first" not in screen.text, "what is done gives way first"


def test_more_workflows_than_rows(terminal, make_plugin):
    directory = make_plugin(WORKING)
    one = (directory / "workflow.yaml").read_text()
    (directory / "workflow.yaml").write_text("---\n".join(one.replace("generateName: probe-", f"name: w{i}") for i in range(30)))
    t = terminal("run", directory, rows=10, columns=80)
    screen = t.wait(lambda screen: screen.text.count("●") == 7)
    assert " … 23 more workflows, 0 of 30 done" in screen.text
    assert "plugins  probe ready" in screen.text
    t.type("\x03")
    assert t.end() == 130


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_hardly_any_rows(terminal, make_plugin, rows):
    t = terminal("run", steps(make_plugin(WORKING), ["a", "b", "c"]), rows=rows, columns=60)
    t.wait(lambda screen: b"next call" in t.raw or b"many" in t.raw or rows == 1 and b"plugin" in t.raw)
    t.type("\x03")
    assert t.end() == 130
    assert t.is_sane()
    live = t.screen.all_text.split("many  main")[0]
    assert "Ctrl-C" not in live, "no frame was scrolled out of the window"


def test_wide_and_combining_characters_keep_columns_aligned(terminal, make_plugin):
    reply = ENDLESS % ("日本語 e\u0301te\u0301 👍 ok", "1h")
    names = ["first", "{name: a, template: one, withItems: [宇宙, e\u0301te\u0301]}"]
    t = terminal("run", steps(make_plugin(first_then_waits(reply)), names), columns=100)
    screen = t.wait(lambda screen: screen.text.count("日本語") == 2)
    columns = set()
    for line in screen.lines:
        cells = [text for text, _ in line.cells]
        for i in range(len(cells)):
            if cells[i:i + 10] == list("one   prob"):
                columns.add(i)
    assert len(columns) == 1, screen.text
    assert "日本語 e\u0301te\u0301 👍 ok · call 1" in screen.text


def test_control_characters_of_a_message_do_nothing(terminal, make_plugin):
    evil = "a\x1b[2J\x1b]0;title\x07\r\nb\x9b31mc\u202ed\u2028e"
    t = terminal("run", make_plugin(ENDLESS % (evil, "1h")), columns=120)
    shown = r"a\x1b[2J\x1b]0;title\x07\r\nb\x9b31mc\u202ed\u2028e"
    t.wait(shown)


def test_control_characters_of_a_message_do_nothing_at_the_end(terminal, make_plugin):
    t = terminal("run", make_plugin(NODE % ("Failed", "a\x1b[2J\n\u202e")), columns=120)
    assert t.end() == 1
    assert r"a\x1b[2J\n\u202e" in t.screen.text


def test_control_characters_in_a_log_do_nothing(terminal, make_plugin):
    body = "        print('log \\x1b[2J\\x07 line', flush=True)\n" + WORKING
    t = terminal("run", make_plugin(body), "--log", columns=100)
    t.wait(r"probe | log \x1b[2J\x07 line")
    t.wait("next call in")
    lines = t.screen.text.splitlines()
    assert lines.index(r"probe | log \x1b[2J\x07 line") < next(i for i, line in enumerate(lines) if "●" in line)


def test_words_in_place_of_icons(terminal, make_plugin):
    t = terminal("run", steps(make_plugin(first_then_waits(WORKING)), ["first", "second"]), "--no-utf8", columns=100)
    screen = t.wait("next call in")
    assert t.raw.isascii()
    assert re.search(r"^ `-\+-Succeeded first +one +probe  \d+ms +well done$", screen.text, re.M)
    assert re.search(r"^   `-Running second +one +probe  \d\.\ds +1/3  working, call 1, next call in 1m5\ds$", screen.text, re.M)
    assert screen.colour_of("Running") == "36"


def test_a_locale_without_utf8_gets_words(terminal, make_plugin):
    t = terminal("run", make_plugin(NODE % ("Succeeded", "ok")), env={"LC_ALL": "C"})
    assert t.end() == 0
    assert t.raw.isascii() and re.search(r"^ Succeeded probe-", t.screen.text, re.M)


def test_no_color_has_a_live_tree_without_colours(terminal, make_plugin):
    t = terminal("run", make_plugin(WORKING), env={"NO_COLOR": "1"}, columns=100)
    t.wait("next call in")
    t.type("\x03")
    assert t.end() == 130
    assert not re.search(rb"\x1b\[[0-9;]*m", t.raw)


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": None}])
def test_a_dumb_terminal_gets_lines(terminal, make_plugin, env):
    t = terminal("run", make_plugin(NODE % ("Succeeded", "ok")), env=env, columns=120)
    assert t.end() == 0
    assert b"\x1b" not in t.raw
    assert re.search(r"^probe-\w{5}  Succeeded  main  probe  \d+ms  ok$", t.screen.text, re.M)


def test_on_a_pipe_there_is_one_line_an_event(tiphys, make_plugin):
    reply = ("        if args['task']['calls'] < 3:\n    " + ENDLESS % ("working", "10ms") +
             "\n            return\n" + NODE % ("Succeeded", "done"))
    result = tiphys("run", steps(make_plugin(reply), ["only"]))
    assert result.code == 0
    told = [re.sub(r"\d+m?s", "TIME", line) for line in without_machine(result.err).splitlines()]
    assert told[2:] == ["plugin probe  starting", "plugin probe  ready",
                        "many[0].only  Running  one  probe  working, next call in TIME",
                        "many[0].only  Succeeded  one  probe  TIME  done"]
    assert "\x1b" not in result.err + result.out
    assert ", next call in 10ms\n" in result.err


def test_after_a_long_tree_the_nodes_that_failed_first_are_named(tiphys, make_plugin):
    fails = ("        n = int(args['task']['name'].rsplit('s', 1)[1])\n"
             "        self.reply({'node': {'phase': 'Failed' if n % 5 == 3 else 'Succeeded', 'message': 'I am %d' % n}})")
    directory = make_plugin(fails)
    out = tiphys("run", steps(directory, [f"s{i}" for i in range(40)])).out
    assert re.search(r"\n\n((?:failed: many\[0\]\.s\d+: I am \d+\n){5})and 3 more\n\nmany Failed in ", out), out
    assert out.index("failed: many[0].s3: I am 3\n") < out.index("failed: many[0].s8: I am 8\n")
    assert "failed:" not in tiphys("run", steps(directory, [f"s{i}" for i in range(10)])).out, "a short tree shows them"


def test_quiet_draws_nothing(terminal, make_plugin):
    t = terminal("run", make_plugin(NODE % ("Succeeded", "ok")), "-q", columns=200)
    assert t.end() == 0
    assert re.fullmatch(r"\n ✔ probe-\w{5}  main  probe  \d+ms  ok\n\nprobe-\w{5} Succeeded in \d+ms", without_machine(t.screen.all_text))


def test_the_tree_is_for_standard_error_the_result_for_standard_output(terminal, make_plugin, tmp_path):
    with open(tmp_path / "out", "w") as out:
        t = terminal("run", make_plugin("        time.sleep(0.3)\n" + NODE % ("Succeeded", "ok")), "-o", "name", stdout=out)
        t.wait("◷")
        assert t.end() == 0
    assert re.fullmatch(r"workflow.argoproj.io/probe-\w{5}\n", (tmp_path / "out").read_text())
    assert "◷" not in t.screen.all_text and "✔" not in t.screen.all_text


@pytest.mark.parametrize("network", ["host", "none"])
def test_ctrl_c_stops_with_a_cancel_call_and_leaves_nothing(terminal, make_plugin, port, tmp_path, network):
    before, mounts = leftovers(port), open("/proc/self/mounts").read()
    own = tmp_path / "own"
    own.mkdir(mode=0o777)
    t = terminal("run", make_plugin("        print(self.path, flush=True)\n" + WORKING), "--log", "--network", network,
                 env={"TMPDIR": str(own)}, columns=100)
    t.wait("next call in")
    t.type("\x03")
    assert t.end() == 130
    assert "probe | /api/v1/template.cancel" in t.screen.all_text
    assert "stopping; once more kills" in t.screen.all_text
    assert "Stopped with strategy 'Stop'" in t.screen.all_text
    assert t.is_sane()
    wait_until(lambda: not leftovers(port, before))
    assert list(own.iterdir()) == [] and open("/proc/self/mounts").read() == mounts


STUBBORN = ("        if self.path.endswith('cancel'):\n            print('cancelled', flush=True)\n"
            "            time.sleep(3600)\n" + WORKING)


def test_ctrl_c_twice_kills_at_once(terminal, make_plugin, port):
    """The plugin does not answer the cancel call: without the second Ctrl-C this takes TPH_LIMIT_CANCEL_TIMEOUT_MS."""
    before = leftovers(port)
    t = terminal("run", make_plugin(STUBBORN), "--log", columns=100)
    t.wait("next call in")
    t.type("\x03")
    t.wait("cancelled")
    t.wait("stopping; Ctrl-C kills")
    t.type("\x03")
    assert t.end(seconds=4) == 130
    assert t.is_sane()
    wait_until(lambda: not leftovers(port, before))


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9), (signal.SIGQUIT, -3)])
def test_the_terminal_is_as_it_was_however_it_ends(terminal, make_plugin, port, number, code):
    before = leftovers(port)
    t = terminal("run", make_plugin(WORKING), columns=100)
    t.wait("next call in")
    assert t.end(number) == code
    assert t.is_sane()
    wait_until(lambda: not leftovers(port, before))


def test_a_stopped_program_draws_again_below_what_the_shell_wrote(terminal, make_plugin):
    t = terminal("run", make_plugin(WORKING), columns=100)
    t.wait("next call in")
    t.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, t.process.pid, os.WSTOPPED)
    os.write(t.slave, b"[1]+  Stopped\n$ fg\n")
    t.process.send_signal(signal.SIGCONT)
    t.wait(lambda screen: "$ fg" in screen.text and "●" in screen.text.split("$ fg")[1])
    assert "●" in t.screen.text.split("[1]+")[0], "what the shell wrote below is not touched"


def test_in_the_background_only_lines_are_printed(terminal, make_plugin):
    directory = make_plugin("        print('called', flush=True)\n        time.sleep(0.2)\n" + NODE % ("Succeeded", "ok"))
    shell = Terminal(["bash", "-c", f"set -m; '{TIPHYS}' run '{directory}' --log & wait"], columns=100)
    try:
        assert shell.end() == 0
        assert "probe | called" in shell.screen.all_text and "✔" in shell.screen.all_text
        assert "●" not in shell.raw.decode() and b"\x1b[?7l" not in shell.raw
    finally:
        shell.close()


def test_a_terminal_that_takes_nothing_does_not_hold_the_work_up(terminal, make_plugin, tmp_path):
    logs = tmp_path / "logs"
    t = terminal("run", make_plugin("        print('called', flush=True)\n" + ENDLESS % ("working", "50ms")), "--logs-dir", logs, columns=100)
    t.wait("● probe")

    def calls():
        return sum(text.read_text().count("called") for text in logs.iterdir())

    t.type("\x13")  # Ctrl-S
    seen = calls()
    wait_until(lambda: calls() > seen + 20)
    t.type("\x11")
    t.wait(lambda screen: int((re.search(r"call (\d+)", screen.text) or [0, 0])[1]) > seen + 20)


def test_enter_while_it_runs_does_not_hide_the_tree(terminal, make_plugin):
    t = terminal("run", make_plugin(WORKING), columns=100)
    t.wait("next call in 1m52s")
    t.type("\n")
    t.wait("next call in 1m51s")
    assert t.screen.text.splitlines()[-1].startswith("plugins")
