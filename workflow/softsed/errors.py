"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """Bad input: the message says what was found, where (file and line), what was expected and what to do."""
