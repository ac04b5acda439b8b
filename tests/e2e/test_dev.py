"""./dev on machines that it has not seen: what it installs and how, where it needs no rights, and what it says when it cannot go on.

The script runs with commands of the distribution that are played: each notes how it was called in `log`, and what the
machine has stands in files beside it.
"""
import os
import shutil
import subprocess

import pytest
from conftest import TOP

REAL = "sh cat sed grep awk tr mkdir rm stat find touch dirname cut env tee ls cp chmod basename nproc install".split()
PLAYED = {
    "id": 'case "$1" in -u) cat $STATE/uid ;; -un) echo somebody ;; esac',
    "dpkg-query": 'grep -qx "$3" $STATE/installed && echo "install ok installed"',
    # apt-get [-o X]... VERB NAME...: private calls are those with options
    "apt-get": """case "$*" in
indextargets*) cat $STATE/targets ;;
*" install "*) [ ! -f $STATE/apt-fails ] || exit 100; shift 4; printf '%s\\n' "$@" >>$STATE/installed ;;
*" download "*) for name in libyyjson0 libyyjson-dev libllhttp9.2 libllhttp-dev; do echo $name >$name.deb; done ;;
esac""",
    "apt-cache": 'grep -qx "$2" $STATE/archive',
    "dpkg-deb": 'mkdir -p $3/usr/lib/arch/pkgconfig && for name in yyjson libllhttp; do echo prefix=/usr >$3/usr/lib/arch/pkgconfig/$name.pc; done',
    # in one of the directories of PKG_CONFIG_PATH, or from a package that is installed
    "pkg-config": """[ "$1" = --exists ] || exit 1
for dir in $(echo "${PKG_CONFIG_PATH:-}" | tr : ' '); do [ ! -f $dir/$2.pc ] || exit 0; done
case $2 in yyjson) grep -qx libyyjson-dev $STATE/installed ;; libllhttp) grep -qx libllhttp-dev $STATE/installed ;; esac""",
    "sudo": '[ ! -f $STATE/sudo-refuses ] || { echo "somebody is not in the sudoers file." >&2; exit 1; }; echo 0 >$STATE/uid; "$@"; code=$?; echo 1000 >$STATE/uid; exit $code',
    "apparmor_parser": '[ ! -f $STATE/no-policy ]',
    "strip": 'cp "$3" "$2"',
    "meson": 'mkdir -p $2 && touch $2/build.ninja',
    "ninja": ("""printf '#!/bin/sh\\necho "$PWD runs $*"\\n' >$2/tiphys; chmod 755 $2/tiphys"""),
}


class Machine:
    """A checkout with nothing but the script, on a machine of a certain kind."""

    def __init__(self, path, uid="1000", archive="gcc libyyjson-dev libllhttp-dev", sudo=True, checkout="checkout"):
        self.path, self.top, self.state, self.system = path, path / checkout, path / "state", path / "system"
        for directory in (self.top, self.state, self.system / "etc", path / "bin"):
            directory.mkdir(parents=True)
        shutil.copy(TOP / "dev", self.top)
        for name in REAL:
            (path / "bin" / name).symlink_to(shutil.which(name))
        for name, body in PLAYED.items():
            if sudo or name != "sudo":
                self.play(name, body)
        self.has("uid", uid)
        self.has("archive", archive.replace(" ", "\n"))
        self.has("installed", "")
        self.has("targets", "")
        (self.system / "etc" / "os-release").write_text('NAME="x"\nVERSION_CODENAME=bookworm\n')

    def play(self, name, body):
        file = self.path / "bin" / name
        file.unlink(missing_ok=True)
        file.write_text(f'#!/bin/sh\necho "$(cat $STATE/uid) {name} $*" >>$STATE/log\n{body}\n')
        file.chmod(0o755)

    def has(self, name, text=""):
        (self.state / name).write_text(text + "\n" if text else "")

    def dev(self, *words, cwd=None, env=None, prefix=()):
        (self.state / "log").write_text("")
        done = subprocess.run([*prefix, self.top / "dev", *words], cwd=cwd or self.top, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={
            "PATH": str(self.path / "bin"), "STATE": str(self.state), "DEV_SYSTEM": str(self.system), **(env or {})})
        self.log = (self.state / "log").read_text().splitlines()
        return done

    def called(self, start):
        return [line for line in self.log if line.startswith(start)]

    def everything_is_installed(self):
        assert self.dev("setup").returncode == 0

    def restricts_user_namespaces(self):
        switch = self.system / "proc" / "sys" / "kernel" / "apparmor_restrict_unprivileged_userns"
        switch.parent.mkdir(parents=True)
        switch.write_text("1\n")
        (self.system / "etc" / "apparmor.d").mkdir()

    def profiles(self):
        return list((self.system / "etc" / "apparmor.d").iterdir())


BUILD = "gcc libc6-dev meson ninja-build pkg-config python3 libuv1-dev libyaml-dev libpcre2-dev libseccomp-dev libcurl4-openssl-dev libssl-dev libsqlite3-dev zlib1g-dev ca-certificates"


def test_a_user_with_sudo_gets_what_building_needs(tmp_path):
    machine = Machine(tmp_path)
    done = machine.dev("run", "hello")
    assert done.returncode == 0 and done.stdout == f"{machine.top} runs run hello\n"
    assert done.stderr == (f"dev: installing {BUILD} \ndev: installing libyyjson-dev libllhttp-dev \n"
                           f"dev: building {machine.top}/build/tiphys\n")
    assert machine.called("0 apt-get") == [
        "0 apt-get -qq update", f"0 apt-get -qq install -y --no-install-recommends {BUILD}",
        "0 apt-get -qq update", "0 apt-get -qq install -y --no-install-recommends libyyjson-dev libllhttp-dev"]
    assert not machine.called("1000 apt-get")  # nothing was tried without rights
    again = machine.dev("run", "hello")
    assert (again.returncode, again.stderr) == (0, "") and not machine.called("0 ") and not machine.called("1000 sudo")


def test_root_needs_no_sudo(tmp_path):
    machine = Machine(tmp_path, uid="0", sudo=False)
    assert machine.dev("build").returncode == 0
    assert machine.called("0 apt-get -qq install")


def test_what_root_set_up_serves_a_user_without_sudo(tmp_path):
    machine = Machine(tmp_path, uid="0", sudo=False)
    machine.everything_is_installed()
    machine.has("uid", "1000")
    for words in (["build"], ["run", "hello"]):
        done = machine.dev(*words)
        assert done.returncode == 0, done.stderr
        assert not machine.called("1000 apt-get") and "installing" not in done.stderr


def test_without_rights_it_says_what_is_missing_and_who_can_help(tmp_path):
    machine = Machine(tmp_path, sudo=False)
    done = machine.dev("run", "hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"dev: installing {BUILD} \ndev: these need root, and there is no sudo here: apt-get install {BUILD} \n"
                           "  let root run ./dev setup once\n")
    assert not machine.called("1000 ninja")


def test_a_sudo_that_refuses_is_told(tmp_path):
    machine = Machine(tmp_path)
    machine.has("sudo-refuses")
    done = machine.dev("build")
    assert done.returncode == 1
    assert done.stderr == (f"dev: installing {BUILD} \nsomebody is not in the sudoers file.\ndev: these could not be installed: {BUILD} \n"
                           "  where you may not use sudo, let root run ./dev setup once\n")


def test_packages_that_cannot_be_installed_are_named(tmp_path):
    machine = Machine(tmp_path)
    machine.has("apt-fails")
    done = machine.dev("build")
    assert done.returncode == 1 and f"dev: these could not be installed: {BUILD}" in done.stderr
    assert not machine.called("1000 meson")


DEBIAN = "Debian bookworm-security http://mirror/debian-security/\nDebian bookworm http://mirror/debian/\nOther bookworm http://other/\n"


def test_debian_12_gets_two_libraries_of_13_without_touching_its_own_apt(tmp_path):
    machine = Machine(tmp_path, archive="gcc")
    machine.has("targets", DEBIAN.rstrip())
    done = machine.dev("build")
    assert done.returncode == 0, done.stderr
    assert "dev: fetching yyjson and llhttp of Debian 13 into .deps\n" in done.stderr
    private = [line for line in machine.called("1000 apt-get") if "indextargets" not in line]
    assert [line.split("-qq ", 1)[1] for line in private] == ["update", "download libyyjson0 libyyjson-dev libllhttp9.2 libllhttp-dev"]
    deps = machine.top / ".deps"
    for line in private:  # every directory is one of ours
        options = {word.split("=")[0]: word.split("=", 1)[1] for word in line.split() if "=" in word}
        assert options == {"Dir::Etc::SourceList": f"{deps}/sources.list", "Dir::Etc::SourceParts": "/dev/null", "Dir::State::Lists": f"{deps}/lists",
                           "Dir::Cache": f"{deps}/cache", "APT::Sandbox::User": "somebody"}
    keyring = f"{machine.system}/usr/share/keyrings/debian-archive-keyring.gpg"
    assert (deps / "sources.list").read_text() == f"deb [signed-by={keyring}] http://mirror/debian/ trixie main\n"
    assert (deps / "root/usr/lib/arch/pkgconfig/yyjson.pc").read_text() == f"prefix={deps}/root/usr\n"
    assert sorted(os.listdir(deps)) == ["root", "sources.list"]
    machine.dev("build")
    assert not machine.called("1000 apt-get")


def test_ubuntu_gets_them_from_where_python_apt_says_that_debian_is(tmp_path):
    machine = Machine(tmp_path, archive="gcc")
    machine.has("targets", "Ubuntu noble http://mirror/ubuntu/")
    templates = machine.system / "usr/share/python-apt/templates/Debian.info"
    templates.parent.mkdir(parents=True)
    templates.write_text("Suite: {series}\nBaseURI: http://elsewhere/debian/\n\nSuite: {series}-security\nBaseURI: http://other/\n")
    done = machine.dev("build")
    assert done.returncode == 0, done.stderr
    assert (machine.top / ".deps/sources.list").read_text().endswith("] http://elsewhere/debian/ trixie main\n")
    assert not any("python-apt-common" in line for line in machine.log)


def test_without_a_debian_mirror_it_says_what_to_install(tmp_path):
    machine = Machine(tmp_path, archive="gcc")
    machine.has("targets", "Ubuntu noble http://mirror/ubuntu/")
    done = machine.dev("build")
    assert done.returncode == 1 and "dev: installing python-apt-common" in done.stderr
    assert done.stderr.endswith("dev: there is no Debian mirror known to this machine to fetch yyjson and llhttp from\n"
                                "  install libyyjson-dev and libllhttp-dev (or build them) so that pkg-config finds yyjson and libllhttp\n")


def test_a_machine_without_package_lists_fetches_them_first(tmp_path):
    """As an image of a container has it: all is there but the two libraries, and apt knows no package."""
    machine = Machine(tmp_path, archive="")
    machine.has("installed", BUILD.replace(" ", "\n"))
    machine.play("apt-get", PLAYED["apt-get"] + "\ncase \"$*\" in '-qq update') printf 'gcc\\nlibyyjson-dev\\nlibllhttp-dev\\n' >$STATE/archive ;; esac")
    done = machine.dev("build")
    assert done.returncode == 0, done.stderr
    assert machine.called("0 apt-get -qq install -y --no-install-recommends libyyjson-dev libllhttp-dev")


def test_ubuntu_gets_an_apparmor_profile_for_this_build(tmp_path):
    machine = Machine(tmp_path)
    machine.restricts_user_namespaces()
    done = machine.dev("build")
    assert done.returncode == 0, done.stderr
    (profile,) = machine.profiles()
    assert f"dev: installing {profile}, so that {machine.top}/build/tiphys may create user namespaces\n" in done.stderr
    assert profile.name == "tiphys" + "".join(c if c.isalnum() else "-" for c in f"{machine.top}/build")
    assert profile.read_text() == (f"abi <abi/4.0>,\ninclude <tunables/global>\n"
                                   f"profile {profile.name} \"{machine.top}/build/{{tiphys,tests/**}}\" flags=(unconfined) {{\n  userns,\n}}\n")
    assert machine.called("0 apparmor_parser") == [f"0 apparmor_parser -r {profile}"]
    machine.dev("build")
    assert not machine.called("0 ")


def test_names_that_apparmor_takes_for_patterns_are_escaped(tmp_path):
    machine = Machine(tmp_path, checkout="a [b] {c}*")
    machine.restricts_user_namespaces()
    machine.dev("setup")
    assert f"\"{tmp_path}/a \\[b\\] \\{{c\\}}\\*/build/{{tiphys,tests/**}}\"" in machine.profiles()[0].read_text()


def test_ubuntu_without_the_restriction_gets_none(tmp_path):
    machine = Machine(tmp_path)
    machine.restricts_user_namespaces()
    (machine.system / "proc/sys/kernel/apparmor_restrict_unprivileged_userns").write_text("0\n")
    assert machine.dev("build").returncode == 0
    assert machine.profiles() == [] and not machine.called("0 apparmor_parser")


def test_a_user_without_sudo_on_ubuntu_is_told_who_can_install_the_profile(tmp_path):
    machine = Machine(tmp_path, uid="0", sudo=False)
    machine.everything_is_installed()
    machine.restricts_user_namespaces()
    (machine.system / "etc" / "apparmor.d").rmdir()
    (machine.system / "etc" / "apparmor.d").mkdir()
    machine.has("uid", "1000")
    done = machine.dev("build")
    assert done.returncode == 0
    assert (f"warning: that needs root: without it sidecars cannot be isolated here, see {machine.top}/build/tiphys doctor\n"
            f"  let root run {machine.top}/dev setup once\n") in done.stderr
    machine.has("uid", "0")
    assert machine.dev("setup").returncode == 0 and len(machine.profiles()) == 1
    machine.has("uid", "1000")
    assert "warning" not in machine.dev("build").stderr


def test_a_profile_that_cannot_be_loaded_is_no_reason_to_stop(tmp_path):
    machine = Machine(tmp_path)
    machine.restricts_user_namespaces()
    machine.has("no-policy")
    done = machine.dev("build")
    assert done.returncode == 0
    assert "could not be loaded; if" in done.stderr


def test_install_puts_the_program_its_library_and_completions(tmp_path):
    machine = Machine(tmp_path, archive="gcc")
    machine.has("targets", DEBIAN.rstrip())
    machine.restricts_user_namespaces()
    assert machine.dev("build").returncode == 0
    library = machine.top / ".deps/root/usr/lib/arch/libyyjson.so.0"
    library.write_text("a library")
    prefix = tmp_path / "of my own"
    done = machine.dev("install", prefix)
    assert done.returncode == 0, done.stderr
    files = ["bin/tiphys", "lib/tiphys/libyyjson.so.0", "share/bash-completion/completions/tiphys", "share/zsh/site-functions/_tiphys",
             "share/fish/vendor_completions.d/tiphys.fish"]
    assert sorted(str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()) == sorted(files)
    assert all(f"dev: {prefix}/{file}\n" in done.stderr for file in files) and f"  {prefix}/bin is not in your PATH\n" in done.stderr
    assert os.access(prefix / "bin/tiphys", os.X_OK) and (prefix / "lib/tiphys/libyyjson.so.0").read_text() == "a library"
    assert "completion bash" in (prefix / "share/bash-completion/completions/tiphys").read_text()
    assert machine.called(f"1000 meson setup {machine.top}/build-release -Dbuildtype=release")
    assert any(f'"{prefix}/bin/tiphys"' in profile.read_text() for profile in machine.profiles())
    assert not machine.called("0 install")  # in a directory of one's own nobody needs rights


def test_install_where_the_user_may_not_write_asks_root(tmp_path):
    machine = Machine(tmp_path)
    machine.play("install", "")
    machine.everything_is_installed()
    done = machine.dev("install", "/proc/nowhere")
    assert done.returncode == 0, done.stderr
    assert machine.called(f"0 install -D -m 755 {machine.top}/build-release/tiphys.stripped /proc/nowhere/bin/tiphys")
    machine.has("sudo-refuses")
    done = machine.dev("install", "/proc/nowhere")
    assert done.returncode == 1
    assert done.stderr.endswith("dev: /proc/nowhere/bin/tiphys cannot be written\n  name a directory of your own: ./dev install ~/.local\n")


@pytest.mark.parametrize("words, message", [
    (["install", "here"], 'install takes an absolute directory, not "here"'),
    (["install", "/a", "/b"], "install takes one directory, or none for /usr/local"),
    (["build", "x"], 'build takes no argument, not "x"'),
    (["setup", "x"], 'setup takes no argument, not "x"'),
    (["test", "yaml"], "test takes nothing, or -k NAME"),
    (["test", "-k"], "test takes nothing, or -k NAME"),
    (["check", "--al"], "check takes nothing, or --all"),
    (["golden"], "golden takes one directory"),
    (["fuzz", "long"], 'fuzz takes a number of seconds, and names of fuzzers; not "long"'),
    (["biuld"], 'unknown command "biuld"; see ./dev help'),
])
def test_wrong_use_is_told_before_anything_is_done(tmp_path, words, message):
    machine = Machine(tmp_path)
    done = machine.dev(*words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"dev: {message}\n")
    assert not machine.called("0 ")


def test_it_can_be_called_from_anywhere(tmp_path):
    machine = Machine(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    done = machine.dev("run", "wf.yaml", cwd=tmp_path / "elsewhere", env={"CDPATH": str(tmp_path)})
    assert done.stdout == f"{tmp_path}/elsewhere runs run wf.yaml\n", done.stderr


def test_a_build_of_somebody_else_is_named(tmp_path):
    # Root may write everywhere but where it gave that right up.
    prefix = [shutil.which("setpriv"), "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    machine = Machine(tmp_path)
    (machine.top / "build").mkdir()
    (machine.top / "build" / "build.ninja").touch()
    (machine.top / "build").chmod(0o555)
    done = machine.dev("build", prefix=prefix)
    assert done.returncode == 1
    assert f"{machine.top}/build belongs to " in done.stderr and "TIPHYS_BUILD=DIRECTORY ./dev build" in done.stderr
    elsewhere = machine.dev("build", prefix=prefix, env={"TIPHYS_BUILD": "mine"})
    assert (elsewhere.returncode, elsewhere.stderr) == (0, f"dev: building {machine.top}/mine/tiphys\ndev: {machine.top}/mine/tiphys\n")
