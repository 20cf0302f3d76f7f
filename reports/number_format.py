"""Numbers as every table, figure and screen writes them."""

from __future__ import annotations


def format_number(value: float) -> str:
    """Three decimals without a leading zero, as the papers print: .516, -.033, 1.000."""
    text = f"{value:.3f}"
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if float(digits) == 0:
        sign = ""
    return sign + (digits[1:] if digits.startswith("0") else digits)


def format_signed(value: float) -> str:
    text = format_number(value)
    return text if text.startswith("-") or text == ".000" else f"+{text}"


def format_difference(mean: float, low: float, high: float) -> str:
    """With its interval: +.012 [-.003, +.027]."""
    return f"{format_signed(mean)} [{format_signed(low)}, {format_signed(high)}]"


def format_p(p: float) -> str:
    return "<.001" if p < 0.001 else format_number(p)


def number_or_dot(value: float | None) -> str:
    """A number, or a dot where there is none."""
    return "·" if value is None else format_number(value)
