"""The file of users, and who may open the page to others."""

import base64
import io
import sys

import pytest

from rag.cli import main
from rag.errors import CitewellError
from ui.limits import Buckets, find_client
from ui.login import check_door, is_loopback, read_credentials
from ui.users import add_user, check_password, hash_password, read_users

GOOD = "scrypt$16384$8$5$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def test_a_user_is_let_in_with_their_own_password_alone(tmp_path):
    file = tmp_path / "users.txt"
    assert add_user(file, "ada", "engine no. 1") is False
    assert add_user(file, "grace", "compiler é") is False
    users = read_users(file)
    assert check_password(users, "ada", "engine no. 1")
    assert check_password(users, "grace", "compiler e\u0301")
    for name, password in [
        ("ada", "compiler é"),
        ("ada", ""),
        ("Ada", "engine no. 1"),
        ("", ""),
        ("eve", "engine no. 1"),
    ]:
        assert not check_password(users, name, password)


def test_the_file_holds_no_password_and_only_its_owner_can_read_it(tmp_path):
    file = tmp_path / "users.txt"
    file.write_text("")
    file.chmod(0o644)
    add_user(file, "ada", "engine no. 1")
    assert "engine" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["users.txt"]


def test_adding_a_user_again_changes_the_password(tmp_path):
    file = tmp_path / "users.txt"
    add_user(file, "ada", "engine no. 1")
    assert add_user(file, "ada", "engine no. 2") is True
    assert len(file.read_text().splitlines()) == 1
    assert check_password(read_users(file), "ada", "engine no. 2")


def test_two_hashes_of_one_password_differ():
    assert hash_password("engine no. 1") != hash_password("engine no. 1")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("\n\n", 1),
        ("ada", 1),
        (f"ada:{GOOD}\nada:{GOOD}", 2),
        (f"ada:{GOOD}\n\na b:{GOOD}", 3),
        (f"ada:{GOOD}\neve:password", 2),
        (f"ada:{GOOD.replace('scrypt', 'md5')}", 1),
        (f"ada:{GOOD.replace('16384', '16383')}", 1),
        (f"ada:{GOOD.replace('16384', '1073741824')}", 1),
        (f"ada:{GOOD.replace('$8$', '$0$')}", 1),
        (f"ada:{GOOD[:-3]}", 1),
    ],
)
def test_a_malformed_or_empty_file_is_refused_with_the_line(tmp_path, text, line):
    file = tmp_path / "users.txt"
    file.write_text(text)
    with pytest.raises(CitewellError, match=rf"users\.txt', line {line}: "):
        read_users(file)


def test_a_name_or_password_that_cannot_be_used_is_refused(tmp_path):
    for name, password, words in [("a:b", "engine no. 1", "is no name"), ("ada", "short", "has 5 characters")]:
        with pytest.raises(CitewellError, match=words):
            add_user(tmp_path / "users.txt", name, password)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_alone_no_login_is_needed(host):
    assert is_loopback(host)
    check_door(host, guarded=False, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_elsewhere_a_login_or_insecure_is_needed(host):
    with pytest.raises(CitewellError, match=r"--add-user NAME.*--insecure"):
        check_door(host, guarded=False, insecure=False)
    check_door(host, guarded=True, insecure=False)
    check_door(host, guarded=False, insecure=True)


@pytest.fixture
def citewell(monkeypatch, capsys):
    def run(*arguments, typed="", **settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"CITEWELL_{name.upper()}", str(value))
        monkeypatch.setattr(sys, "argv", ["citewell", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as exited:
            main()
        return exited.value.code or 0, *capsys.readouterr()

    return run


def test_the_command_adds_users_and_refuses_an_open_door(citewell, tmp_path):
    code, out, err = citewell("ui", "--host", "0.0.0.0")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("citewell: Everyone who reaches '0.0.0.0' could read the articles. Ask for a login: ")
    code, out, err = citewell("ui", "--add-user", "ada")
    assert (code, out) == (2, "")
    assert err == ("citewell: No file of users is set. Name one: CITEWELL_AUTH=users.txt citewell ui --add-user ada\n")
    file = tmp_path / "users.txt"
    assert citewell("ui", "--add-user", "ada", typed="engine no. 1\n", auth=file) == (0, f"Added ada in {file}\n", "")
    assert citewell("ui", "--add-user", "ada", typed="engine no. 2\n", auth=file)[1].startswith(
        "Changed the password of"
    )
    assert check_password(read_users(file), "ada", "engine no. 2")
    file.write_text("ada\n")
    code, out, err = citewell("ui", auth=file)
    assert (code, out) == (2, "")
    assert "line 1: expected name:scrypt$n$r$p$salt$hash." in err
    code, _, err = citewell("ui", auth=tmp_path / "none.txt")
    assert code == 2
    assert "does not exist. Add its first user: " in err


def test_a_bucket_gives_so_many_a_minute_to_each_client():
    now = [0.0]
    buckets = Buckets(2, clock=lambda: now[0])
    assert [buckets.take("a"), buckets.take("a"), buckets.take("a"), buckets.take("b")] == [0.0, 0.0, 30.0, 0.0]
    now[0] = 30.0
    assert [buckets.take("a"), buckets.take("a")] == [0.0, 30.0]
    buckets.give_back("a")
    assert buckets.take("a") == 0.0
    now[0] = 6_000.0
    assert [buckets.take("a"), buckets.take("a"), buckets.take("a")] == [0.0, 0.0, 30.0]


def test_the_client_not_seen_for_longest_is_forgotten_first(monkeypatch):
    monkeypatch.setattr("ui.limits.MOST_CLIENTS", 2)
    buckets = Buckets(1, clock=lambda: 0.0)
    assert [buckets.take(client) for client in "aba"] == [0.0, 0.0, 60.0]
    assert buckets.take("c") == 0.0
    assert [buckets.take("a"), buckets.take("b")] == [60.0, 0.0]


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(host, client):
    assert find_client({"client": (host, 1)}) == client
    assert find_client({"client": None}) == "unknown"


def test_credentials_are_read_from_basic_authentication_alone():
    encoded = base64.b64encode("ada:a:é".encode()).decode()
    assert read_credentials(f"Basic {encoded}") == ("ada", "a:é")
    for header in ("", "Basic", f"Bearer {encoded}", "Basic !!!", "Basic /w=="):
        assert read_credentials(header) == ("", "")
