import asyncio
import threading
import time

import bcrypt
import pytest

from agent.web.security import passwords
from agent.web.security.passwords import BusyError, Passwords
from tests.support.threads import no_threads_left


def hashed(password: bytes, cost: int = 4) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()


USERS = {"alice": hashed(b"secret"), "bob": hashed(b"x" * 72), "zoë": hashed("zoë's".encode()).replace("$2b$", "$2y$")}


def spied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that are looked at from now on."""
    looks: list[str] = []
    real = bcrypt.checkpw

    def look(password: bytes, hashed: bytes) -> bool:
        looks.append(hashed.decode())
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", look)
    return looks


@pytest.mark.parametrize(
    ("user", "password", "right"),
    [
        ("alice", "secret", True),
        ("alice", "secrets", False),
        ("alice", "", False),
        ("alice", "secret\0", False),
        ("bob", "secret", False),
        ("bob", "x" * 100, True),  # bcrypt looks at 72 bytes, and so does htpasswd
        ("zoë", "zoë's", True),
        ("mallory", "secret", False),
        ("", "", False),
    ],
)
async def test_only_the_right_password_of_that_user_will_do(user: str, password: str, right: bool) -> None:  # noqa: FBT001 - a table of cases
    look = Passwords()

    assert await look.verify(USERS, user, password) is right
    assert await look.verify(USERS, user, password) is right
    assert look.remembers(USERS, user, password) is right


async def test_a_password_is_forgotten_with_its_hash() -> None:
    look = Passwords()
    assert await look.verify(USERS, "alice", "secret")

    assert not look.remembers({"alice": hashed(b"secret")}, "alice", "secret")
    assert not look.remembers({}, "alice", "secret")
    assert not await look.verify({"alice": hashed(b"other")}, "alice", "secret")


async def test_parts_of_a_login_cannot_be_shifted_into_one_another() -> None:
    users = {"a": USERS["alice"], "as": USERS["alice"]}
    look = Passwords()
    assert await look.verify(users, "a", "secret")

    assert not look.remembers(users, "as", "ecret")


async def test_hashing_is_off_the_loop_and_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    at_once: list[int] = []
    running = threading.Semaphore(0)

    def slow(_password: bytes, _hashed: bytes) -> bool:
        threads.append(threading.current_thread())
        running.release()
        time.sleep(0.02)
        at_once.append(running._value)  # noqa: SLF001 - how many are inside
        running.acquire()
        return True

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    look = Passwords()

    assert all(await asyncio.gather(*(look.verify(USERS, "alice", str(n)) for n in range(8))))
    assert threading.main_thread() not in threads
    assert at_once == [1] * 8


async def test_those_who_bring_the_same_password_at_once_cost_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = spied(monkeypatch)
    look = Passwords()

    assert all(await asyncio.gather(*(look.verify(USERS, "alice", "secret") for _ in range(10))))
    assert looks == [USERS["alice"]]


async def test_a_crowd_is_turned_away() -> None:
    look = Passwords()

    answers = await asyncio.gather(*(look.verify(USERS, "alice", str(n)) for n in range(40)), return_exceptions=True)

    assert sum(answer is False for answer in answers) == passwords._MOST_WAITING  # noqa: SLF001 - the bound itself
    assert all(answer is False or isinstance(answer, BusyError) for answer in answers)


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)
    look = Passwords()
    for n in range(passwords._MOST_VERIFIED + 5):  # noqa: SLF001 - the bound itself
        await look.verify(USERS, "alice", str(n))

    remembered = [n for n in range(100) if look.remembers(USERS, "alice", str(n))]
    assert remembered == list(range(5, passwords._MOST_VERIFIED + 5))  # noqa: SLF001 - the bound itself


async def test_an_unknown_user_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = spied(monkeypatch)
    users = {"alice": hashed(b"secret", 5), "bob": hashed(b"secret", 4)}

    assert not await Passwords().verify(users, "mallory", "secret")
    assert looks == [users["alice"]]


async def test_a_machine_without_threads_is_busy() -> None:
    with no_threads_left(), pytest.raises(BusyError):
        await Passwords().verify({"a": "$2y$04$" + "a" * 53}, "a", "x")
