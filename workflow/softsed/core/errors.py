"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """Bad input: the message says what was found, where (file and line), what was expected and what to do."""


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory was too small: Python has an exception for that, torch a message."""
    return isinstance(error, MemoryError) or any(
        words in str(error).lower() for words in ("can't allocate memory", "cannot allocate memory", "out of memory")
    )
