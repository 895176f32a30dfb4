"""Finding what repeats in a corpus: documents, nearly equal documents, lines."""
