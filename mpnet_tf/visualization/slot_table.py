"""The slots of an example as a table for the terminal."""

import rich.box
from rich.table import Table
from rich.text import Text

from mpnet_tf.visualization.visibility_panel import PART_COLOURS

# With these, and less between the columns where there are many, a table fits 80 characters.
_MAX_WIDTHS = {"token": 16, "predicts": 14}
_MOST_COLUMNS_SET_APART = 8


def slot_table(example, title):
    """Makes a table with one row for each slot.

    Block positions are told where a blank is filled, documents where there are several.

    Args:
        example: `mpnet_tf.visualization.slot_example.SlotExample`.
        title: str.

    Returns:
        `rich.table.Table`, at most 80 characters wide.
    """
    columns = _columns(example)
    gap = 1 if len(columns) <= _MOST_COLUMNS_SET_APART else 0
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=rich.box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, gap, 0, 0),
    )
    for heading, (justify, _) in columns.items():
        table.add_column(
            heading,
            justify=justify,
            no_wrap=True,
            overflow="ellipsis",
            max_width=_MAX_WIDTHS.get(heading),
        )
    styles = [PART_COLOURS[part] for part in example.parts()]
    for slot, style in enumerate(styles):
        # As `Text`, since a token such as [gMASK] would be taken for an instruction to rich.
        cells = [Text(str(values[slot])) for _, values in columns.values()]
        cells[1].stylize(style)
        table.add_row(*cells)
    return table


def _columns(example):
    """Lists the columns: headings with the side they are flush with and a value for each slot."""
    slots = example.slots
    num_slots = len(example.tokens)
    seen_by = example.seen_by()
    predictions = example.predictions
    columns = {
        "slot": ("right", range(num_slots)),
        "part": ("left", example.parts()),
        "token": ("left", example.tokens),
        "pos": ("right", slots["position_ids"]),
    }
    if example.block_positions.any():
        columns["block"] = ("right", example.block_positions)
    if len(set(slots["segment_ids"])) > 1:
        columns["doc"] = ("right", slots["segment_ids"])
    columns["step"] = ("right", slots["query_step"])
    # Query slots are no keys.
    columns["seen by"] = ("left", seen_by + ["none"] * (num_slots - len(seen_by)))
    columns["predicts"] = ("left", [predictions.get(slot, "") for slot in range(num_slots)])
    return columns
