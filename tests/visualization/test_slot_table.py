"""The table of slots tells what the slots hold, within a terminal's width."""

import io

import numpy as np
import pytest
import rich.console

from mpnet_tf.visualization.slot_example import SlotExample
from mpnet_tf.visualization.slot_table import slot_table
from tests.visualization.slot_examples import glm_example, mlm_example, mpnet_example

# Worked by hand from MPNet's figure 1.
MPNET = """
slot  part       token   pos  step  seen by  predicts
   0  token      x1        0     0  all
   1  predicted  $x2$      1     3  from 3
   2  token      <b>       2     0  all
   3  predicted  x4        3     1  from 1
   4  token      x5        4     0  all
   5  predicted  猫        5     2  from 2
   6  stand-in   <mask>    3     0  to 0
   7  stand-in   <mask>    5     0  to 1
   8  stand-in   <mask>    1     0  to 2
   9  query      <mask>    3     0  none     x4
  10  query      <mask>    5     1  none     猫
  11  query      <mask>    1     2  none     $x2$
"""


def printed(example, title="[red]mpnet[/red]", width=80):
    output = io.StringIO()
    rich.console.Console(file=output, width=width).print(slot_table(example, title))
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_tells_every_slot():
    title, head, rule, *rows = printed(mpnet_example())
    assert title == "[red]mpnet[/red]" and set(rule) == {"─"}
    assert [head, *rows] == MPNET.strip("\n").splitlines()


def test_tells_block_positions_where_blanks_are_filled():
    _, head, _, *rows = printed(glm_example())
    assert " ".join(head.split()) == "slot part token pos block step seen by predicts"
    assert rows[2].split() == ["2", "stand-in", "<mask>", "2", "0", "0", "all"]
    assert " ".join(rows[9].split()) == "9 predicted x3 2 2 5 from 5 <|endofpiece|>"


def test_special_tokens_are_no_markup():
    slots = {**mlm_example().slots, "prediction_slots": np.array([1])}
    tokens = ("[gMASK]", "[bold]", ":cat:", "[/]", "a", "b")
    rows = printed(SlotExample(slots, tokens, ("[UNK]",)))[3:]
    assert [row.split()[2] for row in rows] == list(tokens)
    assert rows[1].endswith("[UNK]")


@pytest.mark.parametrize("several", [False, True])
def test_the_widest_table_fits_eighty_columns(several):
    """Every column, hundred slots, and tokens that are too long."""
    repeats = 10
    slots = {name: np.tile(values, repeats) for name, values in glm_example().slots.items()}
    slots["segment_ids"] = np.repeat(np.arange(repeats) + 10, 10) if several else np.ones(100, int)
    slots["position_ids"] += 50
    slots["query_step"] += 50
    slots["key_start"] = np.where(slots["key_start"], slots["key_start"] + 50, 0)
    slots["prediction_slots"] = np.arange(100)
    example = SlotExample(slots, ("<|startofpiece|>", "y" * 30) * 50, ("<|endofpiece|>",) * 100)
    _, head, _, *rows = printed(example, "a" * 70)
    assert ("doc" in head) is several
    assert max(map(len, rows)) <= 80
    assert rows[98].split()[2] == "<|startofpiece|>" and rows[99].split()[2] == "y" * 15 + "…"
    assert all(row.endswith("<|endofpiece|>") for row in rows)
