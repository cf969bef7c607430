"""Interrupts from entries and exits."""

from collectors.audio.causes.kernel.interruptions import Interruptions

CARD = (0, "irq", 9)
NETWORK = (1, "softirq", 3)


def test_entry_and_exit_make_an_interrupt() -> None:
    found = Interruptions(0, 1_000)
    found.enter(100, CARD, "card")
    found.enter(150, NETWORK, "NET_RX")
    found.leave(300, NETWORK, "NET_RX")
    found.leave(120, CARD, "interrupt 9")

    assert found.all_of() == ((100, 120, 0, "irq", "card"), (150, 300, 1, "softirq", "NET_RX"))


def test_interrupts_are_clipped_to_the_window() -> None:
    found = Interruptions(100, 200)
    found.leave(110, CARD, "interrupt 9")
    found.enter(190, CARD, "card")
    found.enter(50, NETWORK, "NET_RX")
    found.leave(250, NETWORK, "NET_RX")

    assert found.all_of() == (
        (100, 110, 0, "irq", "interrupt 9"),
        (100, 200, 1, "softirq", "NET_RX"),
        (190, 200, 0, "irq", "card"),
    )


def test_interrupts_outside_the_window_are_left_out() -> None:
    found = Interruptions(100, 200)
    for start, end in ((10, 20), (300, 400)):
        found.enter(start, CARD, "card")
        found.leave(end, CARD, "card")

    assert found.all_of() == ()


def test_an_exit_or_an_entry_that_is_missing_makes_no_long_interrupt() -> None:
    found = Interruptions(0, 1_000)
    found.enter(100, CARD, "card")
    found.enter(100, NETWORK, "NET_RX")
    found.switch(CARD[0])
    found.leave(700, CARD, "card")
    found.leave(300, NETWORK, "NET_RX")

    assert found.all_of() == ((100, 300, 1, "softirq", "NET_RX"),)
