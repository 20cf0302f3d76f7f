"""A results folder that a group shares: what one user of it makes another can read, mend and make anew."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPT = '''
import os, sys, tempfile
os.umask(0o002)
from pathlib import Path
import torch
from safetensors.torch import save_file
from harness import checkpoint, weights
from harness.durable import aside
from harness.execute.encoders import prepared
from model import manifest
from model.encoders.tiny import Tiny

torch.set_num_threads(1)
home, GROUP, ANN, BOB, small = Path(sys.argv[1]), 54321, 54322, 65534, Tiny(steps=1)
cell = home / "cells" / "one"


def user(number, act, ends=0):
    """Do it as this user of the group, in a process forked off this one: imports are not readable for all."""
    child = os.fork()
    if child == 0:
        os.setgroups([GROUP])
        os.setgid(number)
        os.setuid(number)
        try:
            act()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == ends


def encoder(*words):
    said = []
    prepared(small, "embedded", home, say=said.append)
    assert len(said) == len(words) and all(map(str.endswith, said, words)), said


def make():
    cell.mkdir(parents=True)
    checkpoint.save(cell / checkpoint.NAME, {"a": torch.ones(2)}, {"epoch": 1})
    place = weights.place(cell, 3)
    place.parent.mkdir()
    with aside(place) as part:
        save_file({"a": torch.ones(2)}, part)
        weights.seal(place, part)
    encoder()


def read():
    assert checkpoint.load(cell / checkpoint.NAME)[1] == {"epoch": 1}
    assert weights.whole(weights.place(cell, 3))[1] == ""
    encoder()


def killed():
    manifest.seal = lambda folder: os._exit(9)
    encoder()


with tempfile.TemporaryDirectory() as folder:
    prepared(small, "embedded", Path(folder))  # with all that is imported on the way
os.chown(home, ANN, GROUP)  # as chgrp and chmod g+rws make it
home.chmod(0o2775)
user(ANN, killed, 9)
assert list(home.glob("encoders/.tiny-*"))
user(BOB, encoder)
assert not list(home.glob("encoders/.tiny-*"))
user(ANN, make)
for path in home.rglob("*"):
    facts = path.stat()
    assert (facts.st_gid, facts.st_mode & 0o7777) == (GROUP, 0o2775 if path.is_dir() else 0o664), path
user(BOB, read)
(made,) = home.glob("encoders/tiny-*")
(made / manifest.NAME).write_text("{}")
user(ANN, lambda: encoder("is damaged; it is made again"))
assert {path.stat().st_uid for path in (made, *made.iterdir())} == {ANN}
user(BOB, encoder)
'''


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="to be two users takes root")
def test_what_one_makes_another_reads_and_makes_again_and_what_a_kill_leaves_is_taken_away() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # all users reach it
        home = Path(folder) / "home"
        home.mkdir()
        run = subprocess.run([sys.executable, "-c", SCRIPT, home], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
