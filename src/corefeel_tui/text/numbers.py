"""Numbers as the screens write them: two digits, no leading zero, a true minus."""

from __future__ import annotations

MISSING = "–"


def short(value: float | None) -> str:
    """A magnitude in few characters: 120, 12, 1.2, .27, .0031, 3e-7."""
    if value is None:
        return MISSING
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-4:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−", 1 if value < 0 else 0)
    if size >= 9.95:
        text = f"{value:.0f}"
    elif size >= 0.995:
        text = f"{value:.1f}"
    else:
        text = f"{value:.{2 if size >= 1e-3 else 1}g}".replace("0.", ".", 1)
    return text.replace("-", "−")


def signed(value: float | None) -> str:
    """A margin: +6.1, −0.8."""
    if value is None:
        return ""
    return f"{value:+.1f}".replace("-", "−")


def probability(value: float | None) -> str:
    """.97, 1.0, .004, <.001."""
    if value is None:
        return MISSING
    if value >= 0.995:
        return "1.0"
    if value < 0.001:
        return "<.001"
    text = f"{value:.2f}" if value >= 0.01 else f"{value:.3f}"
    return text.removeprefix("0")


def change(value: float | None) -> str:
    """A signed change of probability: +.12, −.26, 0."""
    if value is None:
        return MISSING
    if abs(value) < 0.005:
        return "±0"
    return ("+" if value > 0 else "−") + f"{min(abs(value), 1):.2f}".removeprefix("0")


def percent(fraction: float | None) -> str:
    """A fraction as a percentage."""
    if fraction is None:
        return MISSING
    value = 100 * fraction
    return f"{value:.1f} %" if 0 < abs(value) < 9.95 or 99 < value < 100 else f"{value:.0f} %"


def size(count: float | None) -> str:
    """Bytes with a decimal unit: 3.1 MB, 24 GB."""
    if count is None:
        return MISSING
    power = min(4, max(0, len(f"{count:.0f}") - 1) // 3)
    value = count / 1000**power
    if value >= 999.5 and power < 4:
        power, value = power + 1, value / 1000
    unit = ("B", "kB", "MB", "GB", "TB")[power]
    return f"{value:.1f} {unit}" if value < 9.95 and power else f"{value:.0f} {unit}"


def rate(value: float | None) -> str:
    """Tokens per second."""
    return f"{whole(value)} tok/s" if value else ""


def whole(value: float | None) -> str:
    """A figure without decimals that mean nothing: 38, 1200, 1.4."""
    return MISSING if value is None else f"{value:.{0 if value >= 9.95 else 1}f}"


def times(ratio: float | None) -> str:
    """A ratio: 1.9×, 0.62×."""
    if ratio is None:
        return MISSING
    return f"{ratio:.0f}×" if ratio >= 9.95 else f"{ratio:.2g}×"


def plural(count: int, noun: str) -> str:
    """1 flip, 2 flips."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
