"""A corpus with everything that preparation finds, and where it was put."""

import json
import random

# Words of a fixed seed; long enough texts for every filter.
_WORDS = """
    the of and to in that with have be house river garden music letter winter summer mountain
    teacher student market village captain soldier doctor forest island station engine paper
    morning evening morning silver golden ancient modern gentle sudden narrow silent bright heavy
    walked carried opened followed remembered answered listened gathered travelled returned
    """.split()  # noqa: SIM905 -- a list would take a line a word
EVALUATION_TEXT = (
    "Nobody in the whole valley had ever seen such a strange and beautiful ship before that day."
)
NUM_DOCUMENTS = 60


def make_document(seed, num_words=120):
    """Returns a text of several lines, made of random words."""
    random_state = random.Random(seed)
    words = [random_state.choice(_WORDS) for _ in range(num_words)]
    lines = [" ".join(words[start : start + 15]) for start in range(0, num_words, 15)]
    return "\n".join(f"{line.capitalize()}." for line in lines)


def replace_words(text, share, seed):
    """Returns a text with a share of its words replaced."""
    random_state = random.Random(seed)
    words = text.split(" ")
    for place in random_state.sample(range(len(words)), round(share * len(words))):
        words[place] = "changed"
    return " ".join(words)


def write_messy_corpus(folder):
    """Writes files into a folder, and an evaluation file beside it.

    Returns:
        Dict from the reason for which documents must be dropped to their number, and the number
        of documents in all.
    """
    good = [make_document(seed) for seed in range(NUM_DOCUMENTS)]
    planted = {
        "duplicate": [good[3], "  " + good[7].replace("\n", " \n")],
        "near_duplicate": [replace_words(good[number], 0.05, number) for number in (4, 9, 15)],
        "contaminated": [f"{make_document(90)}\n{EVALUATION_TEXT.upper()}\n{make_document(91)}"],
        "too_few_words": ["Too short to be of use."],
        "few_stop_words": [" ".join(["house", "river", "garden"] * 30 + ["x"])],
        "repeated_lines": ["\n".join(["The house of the river is silver."] * 12)],
        "other_language": [
            "Der Film »The End of the Day« ist zu Ende. Alle Menschen sind frei und gleich an "
            "Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen "
            "einander im Geist der Brüderlichkeit begegnen. Jeder hat Anspruch auf die in dieser "
            "Erklärung verkündeten Rechte und Freiheiten ohne irgendeinen Unterschied, etwa nach "
            "Hautfarbe, Geschlecht, Sprache, Religion, nationaler oder sozialer Herkunft."
        ],
    }
    # Nothing but lines of earlier documents.
    planted["all_lines_repeated"] = ["\n".join(good[1].split("\n")[:3] + good[2].split("\n")[3:])]
    dropped = [text for texts in planted.values() for text in texts]
    with open(folder / "a.txt", "w", encoding="utf-8") as file:
        file.write("\n\n".join(good[:30]))
    with open(folder / "b.jsonl", "w", encoding="utf-8") as file:
        for text in good[30:]:
            file.write(json.dumps({"text": text}) + "\n")
    with open(folder / "c.jsonl", "w", encoding="utf-8") as file:
        for text in dropped:
            file.write(json.dumps({"text": text}) + "\n")
    (folder / "evaluation.tsv").write_text(f"sentence\tlabel\n{EVALUATION_TEXT}\t1\n")
    expected = {reason: len(texts) for reason, texts in planted.items()}
    return expected, len(good) + len(dropped)
