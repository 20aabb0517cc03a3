"""Types whose values lie on a line: how to go from a value to a number and back, and where the line ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from migration_gate.rehearsal.rows.catalog import Type
from migration_gate.rehearsal.rows.wants import Want

_EPOCH = datetime(2020, 1, 1)
_DAY = 86_400


class Scale(NamedTuple):
    """``read`` gives a value's number, None where it has none (infinity, NaN); ``write`` the value. ``step`` lies
    between neighbours, ``first`` is where ordinary values begin. ``dense``: there is always another value between two.
    """

    read: Callable[[str], Decimal | None]
    write: Callable[[Decimal], str]
    low: Decimal
    high: Decimal
    step: Decimal
    first: Decimal
    dense: bool = False


def scale(type_: Type) -> Scale | None:
    """The scale of a type; None for one that has none here."""
    if type_.base == "numeric":
        return _numeric(type_.modifier)
    return _SCALES.get(type_.base)


def narrowed(line: Scale, want: Want) -> Scale:
    """The scale with steps that fit between the bounds of a want, and that its digits can tell apart: of numbers that
    lie close together, and of those that are large.
    """
    if not line.dense:
        return line
    ends = [one for one in (line.read(bound[0]) for bound in (want.low, want.high) if bound) if one is not None]
    step = max([line.step, *(Decimal(10) ** (one.adjusted() - 4) for one in ends)])
    if len(ends) == 2 and ends[0] < ends[1]:
        step = min(step, (ends[1] - ends[0]) / 16)
    return line._replace(step=step)


def bounds(line: Scale, want: Want) -> tuple[Decimal, Decimal, bool, bool]:
    """The least and the largest number that a want leaves, and whether it was the want that said so."""
    low, high, up, down = line.low, line.high, _up, _down
    if line.dense:
        up = down = lambda number, step: number
    least = line.read(want.low[0]) if want.low else None
    most = line.read(want.high[0]) if want.high else None
    if least is not None and want.low:
        low = max(low, up(least, line.step) + (line.step if want.low[1] and up(least, line.step) == least else 0))
    if most is not None and want.high:
        high = min(high, down(most, line.step) - (line.step if want.high[1] and down(most, line.step) == most else 0))
    return low, high, least is not None, most is not None


_MANY = Decimal(10) ** 20  # steps beyond which Decimal's 28 digits no longer count them


def _up(number: Decimal, step: Decimal) -> Decimal:
    if abs(number) > _MANY * step:
        return number
    return -_down(-number, step)


def _down(number: Decimal, step: Decimal) -> Decimal:
    if abs(number) > _MANY * step:
        return number
    whole = number // step * step  # Decimal's // cuts towards zero
    return whole if whole <= number else whole - step


def numbers(line: Scale, want: Want) -> tuple[list[Decimal], list[Decimal]]:
    """Ordinary numbers and those at the edges, between the bounds; both empty where nothing is between them."""
    line = narrowed(line, want)
    low, high, lower, upper = bounds(line, want)
    if low > high:
        return [], []
    begin = low if lower else max(low, min(line.first, high))
    if upper and not lower:
        begin = max(low, high - 9 * line.step)
    ordinary = [begin + line.step * n for n in range(10) if begin + line.step * n <= high]
    edges = [high, low, *(n for n in (Decimal(0), Decimal(-1)) if low <= n <= high and n == n // line.step * line.step)]
    return ordinary, edges


def nth(line: Scale, want: Want, number: int) -> Decimal | None:
    """The number that has this place among those between the bounds; they begin anew when there are no more."""
    line = narrowed(line, want)
    low, high, lower, upper = bounds(line, want)
    if low > high:
        return None
    if upper and not lower:
        return max(low, high - line.step * number)
    begin = low if lower else max(low, min(line.first, high))
    count = int(min(high - begin, _MANY * line.step) // line.step) + 1
    return begin + line.step * (number % count)


# ── the types ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip().lstrip("$").replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _whole(bits: int, least: int | None = None) -> Scale:
    low = Decimal(-(2 ** (bits - 1)) if least is None else least)
    return Scale(_number, lambda value: str(int(value)), low, Decimal(2 ** (bits - 1) - 1), Decimal(1), Decimal(1))


def _numeric(modifier: int) -> Scale:
    """numeric(p, s): its modifier is ((p << 16) | (s & 0x7ff)) + 4, s from -1000 to 1000 (numeric.c)."""
    if modifier < 4:
        most = Decimal("100000000000000000000.5")
        return Scale(_number, _plain, -most, most, Decimal("0.5"), Decimal(1), True)
    precision, places = (modifier - 4) >> 16, (modifier - 4) & 0x7FF
    places = places - 2048 if places > 1024 else places
    step = Decimal(1).scaleb(-places)
    most = Decimal(10 ** min(precision, 25) - 1) * step  # as many digits as Decimal reckons with
    return Scale(_number, _plain, -most, most, step, min(Decimal(1), most) // step * step)


def _float(most: str) -> Scale:
    return Scale(
        _number, lambda value: repr(float(value)), Decimal("-" + most), Decimal(most), Decimal("0.5"), Decimal(1), True
    )


def _moment(text: str) -> Decimal | None:
    """Seconds since the epoch of this file."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if value.tzinfo:
        value = value.astimezone(UTC).replace(tzinfo=None)
    seconds = value - _EPOCH
    return Decimal(seconds.days * _DAY + seconds.seconds) + Decimal(seconds.microseconds) / 1_000_000


def _at(value: Decimal) -> datetime:
    return _EPOCH + timedelta(seconds=int(value), microseconds=int(value % 1 * 1_000_000))


def _moments(write: Callable[[datetime], str], step: int, last: datetime) -> Scale:
    def seconds(moment: datetime) -> Decimal:
        return Decimal((moment - _EPOCH).days * _DAY + (moment - _EPOCH).seconds)

    low, high = seconds(datetime(1900, 1, 1)), seconds(last)
    return Scale(_moment, lambda value: write(_at(value)), low, high, Decimal(step), Decimal(0))


def _clock(text: str) -> Decimal | None:
    parts = text.split("+")[0].split(":")
    try:
        return Decimal(sum(int(float(one)) * 60 ** (2 - place) for place, one in enumerate(parts[:3])))
    except ValueError:
        return None


def _time(value: Decimal) -> str:
    minutes, seconds = divmod(int(value), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _interval(text: str) -> Decimal | None:
    """Of the forms that PostgreSQL prints: "1 day", "2 years 3 mons", "-01:00:00"."""
    units = {"year": 365 * _DAY, "mon": 30 * _DAY, "day": _DAY}
    total, words = Decimal(0), text.split()
    try:
        while words:
            word = words.pop(0)
            if ":" in word:
                sign = -1 if word.startswith("-") else 1
                total += sign * (_clock(word.lstrip("+-")) or 0)
            else:
                total += int(word) * units[words.pop(0).rstrip("s")]
    except (ValueError, KeyError, IndexError):
        return Decimal(0) if text.strip() in ("0", "") else None
    return total


def _clocks(write: Callable[[Decimal], str]) -> Scale:
    return Scale(_clock, write, Decimal(0), Decimal(_DAY - 1), Decimal(60), Decimal(8 * 3600))


_MONEY = Decimal("92233720368547758.07")
_INTERVALS = Scale(
    _interval,
    lambda value: f"{value} seconds",
    Decimal(-366 * _DAY),
    Decimal(3660 * _DAY),
    Decimal(60),
    Decimal(3600),
)
_SCALES = {
    "int2": _whole(16),
    "int4": _whole(32),
    "int8": _whole(64),
    "oid": _whole(32, 0),
    "xid8": _whole(63, 0),
    "money": Scale(_number, _plain, -_MONEY, _MONEY, Decimal("0.01"), Decimal(1)),
    "float4": _float("3e38"),
    "float8": _float("1e300"),
    # As far as every driver reads them: Python's own end in 9999, and a time zone may go beyond it.
    "date": _moments(lambda one: one.strftime("%Y-%m-%d"), _DAY, datetime(2999, 12, 31)),
    "timestamp": _moments(lambda one: one.isoformat(" "), 3600, datetime(2999, 12, 31, 23, 59, 59)),
    "timestamptz": _moments(lambda one: one.isoformat(" ") + "+00", 3600, datetime(2999, 12, 31, 23, 59, 59)),
    "time": _clocks(_time),
    "timetz": _clocks(lambda value: _time(value) + "+00"),
    "interval": _INTERVALS,
}
