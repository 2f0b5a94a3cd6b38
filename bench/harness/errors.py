"""The one error of the benchmarks."""


class BenchError(Exception):
    """A measurement that cannot be made or cannot be trusted; the message says what to do about it."""
