"""GLUE's files, the real ones where they are there and small ones in the published layouts."""

import pytest

from mpnet_tf.finetuning.classification_metrics import METRIC_NAMES
from mpnet_tf.finetuning.glue import GLUE_TASKS, read_glue, write_submission

# The first line of each published file and a row in its layout; with no header, rows alone.
COLA = ("gj04\t1\t\tA good one.\n", "gj04\t0\t*\tBad one a.\n")
SST2 = ("sentence\tlabel\n", "a charming journey \t1\n", "flat \t0\n")
MRPC = (
    "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n",
    '1\t702876\t702977\tHe said "no\tHe said no\n',
    "0\t5\t6\tX rose\tY fell\n",
)
MRPC_TEST = ("index\t#1 ID\t#2 ID\t#1 String\t#2 String\n", "0\t1\t2\tHe said\tHe did\n")
QQP = (
    "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n",
    "133273\t213221\t213222\tHow?\tWhy?\t0\n",
    "9\t8\tbroken row\n",
    "402555\t536040\t536041\tWho?\t\t1\n",
)
STSB_HEADER = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2"
STSB = (
    f"{STSB_HEADER}\tscore\n",
    "0\tmain-captions\tMSRvid\t2012test\t0001\tnone\tnone\tA plane.\tAn air plane.\t5.000\n",
)
STSB_TEST = (
    f"{STSB_HEADER}\n",
    "0\tmain-captions\tMSRvid\t2012test\t0024\tnone\tnone\tA girl.\tA boy.\n",
)
STS_BENCHMARK = (
    "main-captions\tMSRvid\t2012test\t0001\t5.000\tA plane.\tAn air plane.\n",
    'main-news\theadlines\t2016\t0012\t.4\t"Driver\tDriver"\tEMM\tEMM\n',
)
MNLI_TEXTS = (
    "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
    "sentence1_parse\tsentence2_parse\tsentence1\tsentence2"
)
MNLI_ROW = "\t31193\t31193n\tgovernment\t( a )\t( b )\t(ROOT a)\t(ROOT b)\t"
MNLI = (f"{MNLI_TEXTS}\tlabel1\tgold_label\n", f"0{MNLI_ROW}Cream.\tMilk.\tneutral\tneutral\n")
MNLI_LABELS = "\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n"
MNLI_DEV = (
    f"{MNLI_TEXTS}{MNLI_LABELS}",
    f"0{MNLI_ROW}Tea.\tWater.{5 * chr(9)}entailment\tcontradiction\n",
)
MNLI_TEST = (f"{MNLI_TEXTS}\n", f"0{MNLI_ROW}Fish.\tMeat.\n")
QNLI = ("index\tquestion\tsentence\tlabel\n", "0\tWhen?\tIn 1066.\tentailment\n")
QNLI_TEST = ("index\tquestion\tsentence\n", "0\tWhere?\tHere.\n")
NLI = ("index\tsentence1\tsentence2\tlabel\n", "7\tIt rains.\tIt pours.\tnot_entailment\n")
WNLI = ("index\tsentence1\tsentence2\tlabel\n", "7\tI stuck it.\tIt was stuck.\t1\n")
NLI_TEST = ("index\tsentence1\tsentence2\n", "0\tIt rains.\tIt pours.\n")

PUBLISHED = [
    ("cola", "train", "train.tsv", COLA, ("A good one.", "Bad one a."), None, ("1", "0"), None),
    ("cola", "dev", "dev.tsv", COLA, ("A good one.", "Bad one a."), None, ("1", "0"), None),
    ("cola", "test", "test.tsv", ("index\tsentence\n", "0\tB.\n"), ("B.",), None, None, ("0",)),
    ("sst2", "dev", "dev.tsv", SST2, ("a charming journey ", "flat "), None, ("1", "0"), None),
    ("sst2", "test", "test.tsv", ("index\tsentence\n", "0\tB \n"), ("B ",), None, None, ("0",)),
    (
        *("mrpc", "train", "train.tsv", MRPC, ('He said "no', "X rose")),
        *(("He said no", "Y fell"), ("1", "0"), None),
    ),
    (
        *("mrpc", "train", "msr_paraphrase_train.txt", MRPC, ('He said "no', "X rose")),
        *(("He said no", "Y fell"), ("1", "0"), None),
    ),
    ("mrpc", "test", "test.tsv", MRPC_TEST, ("He said",), ("He did",), None, ("0",)),
    (
        *("mrpc", "test", "msr_paraphrase_test.txt", MRPC, ('He said "no', "X rose")),
        *(("He said no", "Y fell"), ("1", "0"), None),
    ),
    (
        *("qqp", "train", "train.tsv", QQP, ("How?", "Who?"), ("Why?", "")),
        *(("0", "1"), ("133273", "402555")),
    ),
    (
        *("qqp", "test", "test.tsv", ("id\tquestion1\tquestion2\n", "0\tHow?\tWhy?\n")),
        *(("How?",), ("Why?",), None, ("0",)),
    ),
    ("stsb", "dev", "dev.tsv", STSB, ("A plane.",), ("An air plane.",), (5.0,), ("0",)),
    ("stsb", "test", "test.tsv", STSB_TEST, ("A girl.",), ("A boy.",), None, ("0",)),
    (
        *("stsb", "test", "sts-test.csv", STS_BENCHMARK, ("A plane.", '"Driver')),
        *(("An air plane.", 'Driver"'), (5.0, 0.4), None),
    ),
    ("mnli", "train", "train.tsv", MNLI, ("Cream.",), ("Milk.",), ("neutral",), ("0",)),
    (
        *("mnli", "dev", "dev_matched.tsv", MNLI_DEV, ("Tea.",), ("Water.",)),
        *(("contradiction",), ("0",)),
    ),
    ("mnli", "test", "test_matched.tsv", MNLI_TEST, ("Fish.",), ("Meat.",), None, ("0",)),
    ("mnli_mismatched", "train", "train.tsv", MNLI, ("Cream.",), ("Milk.",), ("neutral",), ("0",)),
    (
        *("mnli_mismatched", "dev", "dev_mismatched.tsv", MNLI_DEV, ("Tea.",), ("Water.",)),
        *(("contradiction",), ("0",)),
    ),
    (
        *("mnli_mismatched", "test", "test_mismatched.tsv", MNLI_TEST),
        *(("Fish.",), ("Meat.",), None, ("0",)),
    ),
    ("qnli", "dev", "dev.tsv", QNLI, ("When?",), ("In 1066.",), ("entailment",), ("0",)),
    ("qnli", "test", "test.tsv", QNLI_TEST, ("Where?",), ("Here.",), None, ("0",)),
    ("rte", "dev", "dev.tsv", NLI, ("It rains.",), ("It pours.",), ("not_entailment",), ("7",)),
    ("rte", "test", "test.tsv", NLI_TEST, ("It rains.",), ("It pours.",), None, ("0",)),
    ("wnli", "train", "train.tsv", WNLI, ("I stuck it.",), ("It was stuck.",), ("1",), ("7",)),
    ("wnli", "test", "test.tsv", NLI_TEST, ("It rains.",), ("It pours.",), None, ("0",)),
    ("ax", "test", "diagnostic.tsv", NLI_TEST, ("It rains.",), ("It pours.",), None, ("0",)),
    ("ax", "test", "AX.tsv", NLI_TEST, ("It rains.",), ("It pours.",), None, ("0",)),
]


def write_lines(path, lines):
    path.write_bytes("".join(lines).encode())


@pytest.mark.parametrize(
    ("task", "split", "file_name", "lines", "texts", "pairs", "labels", "ids"),
    PUBLISHED,
    ids=[f"{row[0]}-{row[2]}" for row in PUBLISHED],
)
def test_published_layout_is_read(
    tmp_path, task, split, file_name, lines, texts, pairs, labels, ids
):
    write_lines(tmp_path / file_name, lines)
    examples = read_glue(task, tmp_path, split)
    assert (examples.texts, examples.pairs) == (texts, pairs)
    assert (examples.labels, examples.ids) == (labels, ids)
    assert examples.source == str(tmp_path / file_name)


def test_rows_of_mrpcs_dev_split_are_left_out_of_the_original_training_file(tmp_path):
    write_lines(tmp_path / "msr_paraphrase_train.txt", MRPC)
    write_lines(tmp_path / "dev.tsv", [MRPC[0], MRPC[2]])
    assert read_glue("mrpc", tmp_path, "train").texts == ('He said "no',)
    assert read_glue("mrpc", tmp_path, "dev").texts == ("X rose",)


def test_glues_own_files_come_before_those_of_the_corpora(tmp_path):
    write_lines(tmp_path / "sts-dev.csv", STS_BENCHMARK)
    write_lines(tmp_path / "dev.tsv", STSB)
    assert len(read_glue("stsb", tmp_path, "dev")) == 1


# The published sizes; the copy of RTE's training file lacks one of its 2,490 rows.
@pytest.mark.parametrize(
    ("task", "folder", "split", "size"),
    [
        ("cola", "glue/CoLA", "train", 8551),
        ("cola", "glue/CoLA", "dev", 1043),
        ("rte", "glue/RTE", "train", 2489),
        ("rte", "glue/RTE", "dev", 277),
        ("sst2", "glue/SST-2", "train", 67349),
        ("sst2", "glue/SST-2", "dev", 872),
        ("stsb", "stsb", "train", 5749),
        ("stsb", "stsb", "dev", 1500),
    ],
)
def test_real_splits_have_their_published_sizes(shared_data, task, folder, split, size):
    examples = read_glue(task, shared_data / folder, split)
    assert len(examples) == size
    assert (examples.pairs is not None) == (task in ("rte", "stsb"))
    assert len(examples.labels) == size


def test_real_examples_are_whole(shared_data):
    cola = read_glue("cola", shared_data / "glue" / "CoLA", "dev")
    assert cola.texts[0] == "The sailors rode the breeze clear of the rocks."
    # The published majority class: 69.1% of CoLA's dev split is acceptable.
    assert round(100 * cola.labels.count("1") / len(cola), 1) == 69.1
    rte = read_glue("rte", shared_data / "glue" / "RTE", "dev")
    assert rte.pairs[1] == "Bacteria is winning the war against antibiotics."
    assert (rte.labels[:2], rte.ids[:2]) == (("not_entailment", "entailment"), ("0", "1"))
    stsb = read_glue("stsb", shared_data / "stsb", "train")
    assert (stsb.texts[1], stsb.pairs[1], stsb.labels[1]) == (
        *("A man is playing a large flute.", "A man is playing a flute."),
        3.8,
    )


@pytest.mark.parametrize(
    ("task", "split", "lines", "message"),
    [
        ("rte2", "dev", NLI, "`task_name` must be one of cola, .*ax. Received: task_name='rte2'"),
        ("ax", "dev", NLI, r"`split` must be one of test for the task ax. Received: split='dev'"),
        ("rte", "test", NLI, r"the folder of the task rte and hold test\.tsv. Received"),
        ("rte", "dev", WNLI, r"dev\.tsv, line 2: unknown label '1' in 'label'.*not_entailment"),
        ("rte", "dev", SST2, r"dev\.tsv: no column 'sentence1'. The columns are 'sentence'"),
        ("cola", "dev", SST2, r"dev\.tsv, line 1: 2 values where the 4 columns source, label"),
        (
            *("stsb", "dev", [STSB[0], STSB[1].replace("5.000", "5.1")]),
            r"dev\.tsv, line 2: the score must be between 0\.0 and 5\.0. Received: 5\.1",
        ),
    ],
)
def test_bad_folder_or_row_is_refused(tmp_path, task, split, lines, message):
    write_lines(tmp_path / "dev.tsv", lines)
    with pytest.raises(ValueError, match=message):
        read_glue(task, tmp_path, split)


def test_tasks_are_whole():
    for name, task in GLUE_TASKS.items():
        assert task.name == name
        assert set(task.metrics) <= set(METRIC_NAMES)
        assert task.headline_metric in task.metrics
        assert (task.kind == "regression") == (not task.labels) == (task.score_range is not None)
    assert list(GLUE_TASKS) == [
        *("cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "mnli_mismatched", "qnli", "rte"),
        *("wnli", "ax"),
    ]


@pytest.mark.parametrize(
    ("task", "predictions", "file_name", "lines"),
    [
        ("cola", ["1", "0"], "CoLA.tsv", "0\t1\n1\t0\n"),
        ("mnli", ("neutral", "contradiction"), "MNLI-m.tsv", "0\tneutral\n1\tcontradiction\n"),
        ("mnli_mismatched", ["entailment"], "MNLI-mm.tsv", "0\tentailment\n"),
        ("stsb", [-0.0, -1, 5.2, 3.14159], "STS-B.tsv", "0\t0.000\n1\t0.000\n2\t5.000\n3\t3.142\n"),
    ],
)
def test_submission_is_as_the_server_takes_it(tmp_path, task, predictions, file_name, lines):
    path = write_submission(task, predictions, tmp_path / "new")
    assert path == tmp_path / "new" / file_name
    assert path.read_bytes() == b"index\tprediction\n" + lines.encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("task", "predictions", "message"),
    [
        ("rte", ["entailment", "yes"], r"names among entailment, .*predictions\[1\]='yes'"),
        ("cola", [1], r"names among 0, 1. Received: predictions\[0\]=1"),
        ("stsb", [1.0, float("nan")], r"finite numbers. Received: predictions\[1\]=nan"),
        ("stsb", ["1.0"], r"finite numbers. Received: predictions\[0\]='1.0'"),
        ("rte", [], "`predictions` must have one entry for each test example"),
    ],
)
def test_bad_predictions_are_refused(tmp_path, task, predictions, message):
    with pytest.raises(ValueError, match=message):
        write_submission(task, predictions, tmp_path / "new")
    assert not (tmp_path / "new").exists()
