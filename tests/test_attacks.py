"""The benchmark of attacks, in short: no attack ends or misleads the agent, fills its log or grows it."""

from bench.attacks import ATTACKS, Outcome, run


def is_harmless(outcome: Outcome) -> bool:
    return outcome.is_bounded and not outcome.scraper.failed and outcome.scraper.quantile(0.5) < 1


def test_every_attack_is_harmless() -> None:
    outcomes = list(run(ATTACKS, seconds=1))

    assert len(outcomes) == 1 + len(ATTACKS)
    assert [outcome.row() for outcome in outcomes if not is_harmless(outcome)] == []
