"""A study's trials in order: states apart, papers numbered, nothing cut off however many there are."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.figures.trial_history import COMPLETE, EMPTY, FAILED, NONE, PRUNED, Shown, history
from reports.tuning.best_so_far import best_so_far
from tests.reports.figures.drawing import LONG, faults, words

few = settings(max_examples=12, deadline=None, derandomize=True)
TRIAL = st.tuples(
    st.sampled_from(["complete", "pruned", "failed"]),
    st.one_of(st.none(), st.just(math.nan), st.just(0.5), st.floats(-0.2, 1)),
    st.sampled_from(["", "", "", *LONG]),
)


def make_trials(*trials: tuple[str, float | None, str]) -> list[Shown]:
    return [
        Shown(number=at, state=state, value=value, paper=paper)  # type: ignore[arg-type]
        for at, (state, value, paper) in enumerate(trials)
    ]


def so_far(shown: list[Shown]) -> list[float]:
    values = [math.nan if t.value is None or t.state != "complete" else t.value for t in shown]
    return [float(value) for value in best_so_far(np.array(values))]


@few
@given(st.lists(TRIAL, max_size=200))
def test_nothing_is_cut_off_nor_over_another(trials: list[tuple[str, float | None, str]]) -> None:
    shown = make_trials(*trials)
    assert faults(history("overall, dev", shown, so_far(shown))) == []


def test_two_hundred_trials_fit() -> None:
    shown = make_trials(*(("complete", 0.5 + at % 7 / 100, LONG[at] if at < 4 else "") for at in range(200)))
    assert faults(history("overall, dev", shown, so_far(shown))) == []


def test_each_state_has_its_sign() -> None:
    shown = make_trials(("complete", 0.5, ""), ("pruned", 0.4, ""), ("failed", None, ""), ("complete", None, ""))
    assert [trial.sign for trial in shown] == [COMPLETE, PRUNED, FAILED, EMPTY]
    assert len({trial.sign.marker for trial in shown}) == 4
    assert {"complete", "failed", "has no value", PRUNED.words} <= set(words(history("m", shown, so_far(shown))))


def test_signs_that_are_not_used_are_not_explained() -> None:
    shown = make_trials(("complete", 0.5, ""))
    assert not {"failed", "has no value", PRUNED.words, "the best"} & set(words(history("m", shown, so_far(shown))))


def test_trials_without_a_value_stand_below_the_others() -> None:
    shown = make_trials(("complete", 0.5, ""), ("failed", None, ""), ("complete", 0.6, ""))
    (axes,) = history("m", shown, so_far(shown)).axes
    lines = {line.get_marker(): line for line in axes.get_lines()}
    low, _ = axes.get_ylim()
    assert low < float(np.asarray(lines["x"].get_ydata())[0]) < 0.5


def test_the_line_is_the_best_so_far() -> None:
    shown = make_trials(("pruned", 0.9, ""), ("complete", 0.5, ""), ("complete", 0.4, ""), ("complete", 0.7, ""))
    (axes,) = history("m", shown, so_far(shown)).axes
    (line,) = [line for line in axes.get_lines() if line.get_drawstyle() == "steps-post"]
    assert np.asarray(line.get_ydata())[1:].tolist() == [0.5, 0.5, 0.7, 0.7]


def test_papers_are_numbered_and_named() -> None:
    shown = make_trials(("complete", 0.5, "first"), ("failed", None, "second"), ("complete", 0.6, "first"))
    seen = words(history("m", shown, so_far(shown)))
    assert (seen.count("1 first, the paper's setting"), seen.count("2 second, the paper's setting")) == (1, 1)


def test_no_trial_is_said_in_words() -> None:
    assert NONE in words(history("m", [], []))
