"""How long it will still take, without the jumps of the raw numbers."""

# How fast the shown estimate follows the raw one, per second.
FOLLOW = 0.3
# The start says little about the rest: programs load, a scene is looked at.
MEASURED_FROM = 0.05


class Estimate:
    """Seconds that remain: counts down by itself and leans slowly towards what is measured or said."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None
        self._shown: float | None = None
        self._shown_at = 0.0
        self._was_said = False

    def remaining(self, progress: float, *, said: float | None, at: float) -> float | None:
        """Return the smoothed estimate at monotonic time `at`, or None while nothing is known yet."""
        raw = said if said is not None else self._measured(progress, at)
        if raw is None:
            return None
        is_said = said is not None
        if self._shown is None or is_said > self._was_said:  # who does the work knows better than we can guess
            self._shown, self._shown_at = raw, at
        self._was_said = is_said
        passed = at - self._shown_at
        expected = max(self._shown - passed, 0.0)
        self._shown = expected + (raw - expected) * min(1.0, FOLLOW * passed)
        self._shown_at = at
        return round(self._shown, 1)

    def _measured(self, progress: float, at: float) -> float | None:
        if progress < MEASURED_FROM:
            return None
        if self._began is None:
            self._began = (progress, at)
        first, began = self._began
        if progress <= first or at - began < 1:
            return None
        return (1 - progress) * (at - began) / (progress - first)
