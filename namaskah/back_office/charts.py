"""Bar charts that the server draws: no script, readable in light and dark, and with the same numbers as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10
from typing import Final

_HEIGHT: Final = 100
_BAR: Final = 10
_GAP: Final = 1.5
_STEPS: Final = (1, 2, 5, 10)
Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a bar, in the units of the picture."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    tip: str


@dataclass(frozen=True, slots=True)
class Series:
    """What one part of each bar stands for; `tone` is one of those of `columns`."""

    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a value for each series, stacked from below in their order."""

    label: str
    values: Sequence[Number]


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars; `show` writes a value as people read it, `axis` says what the bars stand beside."""

    title: str
    axis: str
    series: Sequence[Series]
    bars: Sequence[Bar]
    show: Callable[[Number], str]
    # What the bars cannot tell.
    note: str = ""

    @property
    def width(self) -> int:
        """The width of the picture; it is stretched to what there is."""
        return _BAR * len(self.bars)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(any(bar.values) for bar in self.bars)

    @property
    def top(self) -> float:
        """The round number at the upper edge."""
        return round_up(max((float(sum(bar.values)) for bar in self.bars), default=0))

    @property
    def ticks(self) -> list[str]:
        """What stands beside the upper edge, the middle and the lower edge."""
        return [self.show(self.top), self.show(self.top / 2), self.show(0)]

    @property
    def ends(self) -> list[str]:
        """What stands below the first, the middle and the last bar."""
        return [self.bars[number].label for number in (0, len(self.bars) // 2, -1)] if self.bars else []

    @property
    def summary(self) -> str:
        """What the picture says, for whoever hears the page."""
        sums = [sum((bar.values[number] for bar in self.bars), start=0) for number in range(len(self.series))]
        highest = max(self.bars, key=lambda bar: sum(bar.values), default=None)
        told = ", ".join(f"{series.label} {self.show(total)}" for series, total in zip(self.series, sums, strict=True))
        most = f"; most at {highest.label}" if highest and any(highest.values) else ""
        return f"{self.title}: {told}{most}. The table below has every value."

    @property
    def rectangles(self) -> list[Rectangle]:
        """The parts of all bars."""
        return [part for number, bar in enumerate(self.bars) for part in self._draw(number, bar)]

    @property
    def headers(self) -> list[str]:
        """The headings of the table."""
        return [self.axis, *(series.label for series in self.series)]

    @property
    def rows(self) -> list[list[str]]:
        """The rows of the table, the newest first."""
        return [[bar.label, *map(self.show, bar.values)] for bar in reversed(self.bars)]

    def _draw(self, number: int, bar: Bar) -> list[Rectangle]:
        parts, foot = [], float(_HEIGHT)
        for series, value in zip(self.series, bar.values, strict=True):
            height = _HEIGHT * float(value) / self.top
            foot -= height
            if value:
                tip = f"{bar.label}: {series.label} {self.show(value)}"
                left = number * _BAR + _GAP / 2
                parts.append(Rectangle(left, round(foot, 3), _BAR - _GAP, round(height, 3), series.tone, tip))
        return parts


def round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 and so on, down to thousandths as well."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in _STEPS if step * power >= value * 0.999999)
