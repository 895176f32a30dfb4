"""What several objectives require of their settings."""


def check_sequence_length(sequence_length):
    """Checks that a row has room for a token.

    Raises:
        ValueError: if not.
    """
    if sequence_length < 3:
        raise ValueError(
            "`sequence_length` must be at least 3: `<s>`, one token and `</s>`. "
            f"Received: sequence_length={sequence_length}"
        )


def check_prediction_rate(prediction_rate):
    """Checks that something is predicted and something is not.

    Raises:
        ValueError: if not.
    """
    if not 0 < prediction_rate < 1:
        raise ValueError(
            "`prediction_rate` must lie between 0 and 1. "
            f"Received: prediction_rate={prediction_rate}"
        )
