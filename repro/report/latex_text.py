r"""Text for LaTeX: whatever a spec, an error or a file's name may contain compiles and is seen.

What is produced needs no package (two shapes, ``\klaimcheck`` and ``\klaimagain``, are defined
where it is written) and holds in every font encoding, so that it can be ``\input``
into someone else's document. A character that LaTeX's standard fonts lack stands as ``[U+2603]``:
seen by the reader, and no error.
"""

from __future__ import annotations

import re
import unicodedata

from repro.report.wording import typeset


class Tex(str):
    """Text that is LaTeX already: it is not escaped again."""

    __slots__ = ()


def escape(text: str) -> Tex:
    """Return ``text`` so that LaTeX prints it as it is; what is :class:`Tex` stays."""
    if isinstance(text, Tex):
        return text
    pieces = _LIGATURES.sub("\\1\u200b", _one_line(text))
    return Tex("".join(map(_character, unicodedata.normalize("NFC", pieces))))


def prose(text: str) -> Tex:
    """Return a sentence for LaTeX, its minus signs and thin spaces set as a printer sets them."""
    return text if isinstance(text, Tex) else escape(typeset(text))


def comment(text: str) -> str:
    """Return ``text`` for a comment: one line, whatever it contains."""
    return _one_line(text)


def code(text: str) -> Tex:
    """Return a path, a hash or a version in a typewriter's font, with places to break a line."""
    pieces = re.findall(r"[^/_.:=?-]{1,8}[/_.:=?-]*|[/_.:=?-]+", _one_line(text))
    breakable = r"\allowbreak ".join(map(escape, pieces))
    return Tex(rf"\texttt{{{breakable}}}")


def csname(name: str) -> str:
    r"""Return ``name`` so that it can be typed as ``\klaim{name}``.

    Characters that mean something to LaTeX, and those beyond ASCII, become ``=`` and the two
    hexadecimal digits of each byte, as in a quoted-printable mail.
    """
    return _UNTYPABLE.sub(lambda match: "".join(f"={b:02X}" for b in match[0].encode()), name)


def _one_line(text: str) -> str:
    return re.sub(r"[ \t\r\n\f\v]+", " ", text)


_UNTYPABLE = re.compile(r"[^A-Za-z0-9/_.:@?=+,;()*-]|=(?=[0-9A-Fa-f]{2})")

#: Characters that TeX's fonts draw together: an empty box is put between them.
_LIGATURES = re.compile(r"([-'`,!?](?=[-'`,]))")

_PLAIN = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after a line's end, a bracket would be read as an optional argument
    "]": "{]}",
    "*": "{*}",
    "\u200b": "{}",
    "\u00a0": "~",
    "\u2009": r"\,",
    "\u202f": r"\,",
    "\u00ad": r"\-",
    "–": "--",
    "—": "---",
    "‐": "-",
    "‑": r"\mbox{-}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "•": r"\textbullet{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "©": r"\copyright{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "å": r"\aa{}",
    "Å": r"\AA{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "£": r"\pounds{}",
    "¡": "!`",
    "¿": "?`",
}

_MATH = {
    "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}",
    "«": r"\ll",
    "»": r"\gg",
    "±": r"\pm",
    "∓": r"\mp",
    "−": "-",
    "·": r"\cdot",
    "×": r"\times",
    "÷": r"\div",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "≡": r"\equiv",
    "∼": r"\sim",
    "∝": r"\propto",
    "∞": r"\infty",
    "∈": r"\in",
    "∑": r"\sum",
    "∏": r"\prod",
    "∫": r"\int",
    "√": r"\surd",
    "∂": r"\partial",
    "∇": r"\nabla",
    "∩": r"\cap",
    "∪": r"\cup",
    "∧": r"\wedge",
    "∨": r"\vee",
    "¬": r"\neg",
    "‖": r"\|",
    "←": r"\leftarrow",
    "→": r"\rightarrow",
    "↔": r"\leftrightarrow",
    "↦": r"\mapsto",
    "⇒": r"\Rightarrow",
    "⇔": r"\Leftrightarrow",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "°": r"^\circ",
    "′": r"'",
    "ℓ": r"\ell",
    "★": r"\star",
    "◇": r"\diamond",
    "◐": r"\ominus",
    "▲": r"\triangle",
    "✕": r"\times",
    "✗": r"\times",
    "✓": r"\klaimcheck",
    "↻": r"\klaimagain",
    "⊘": r"\oslash",
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "ζ": r"\zeta",
    "η": r"\eta",
    "θ": r"\theta",
    "ι": r"\iota",
    "κ": r"\kappa",
    "λ": r"\lambda",
    "μ": r"\mu",
    "µ": r"\mu",
    "ν": r"\nu",
    "ξ": r"\xi",
    "π": r"\pi",
    "ρ": r"\rho",
    "σ": r"\sigma",
    "τ": r"\tau",
    "υ": r"\upsilon",
    "φ": r"\varphi",
    "χ": r"\chi",
    "ψ": r"\psi",
    "ω": r"\omega",
    "Γ": r"\Gamma",
    "Δ": r"\Delta",
    "Θ": r"\Theta",
    "Λ": r"\Lambda",
    "Ξ": r"\Xi",
    "Π": r"\Pi",
    "Σ": r"\Sigma",
    "Φ": r"\Phi",
    "Ψ": r"\Psi",
    "Ω": r"\Omega",
}
_MATH |= {digit: f"^{value}" for value, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_MATH |= {"ⁱ": "^i", "ⁿ": "^n"}
_MATH |= {digit: f"_{value}" for value, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")}

#: Accents that every font encoding sets, by Unicode's combining character.
_ACCENTS = {
    "\u0300": r"\`",
    "\u0301": r"\'",
    "\u0302": r"\^",
    "\u0303": r"\~",
    "\u0304": r"\=",
    "\u0306": r"\u",
    "\u0307": r"\.",
    "\u0308": r"\"",
    "\u030a": r"\r",
    "\u030b": r"\H",
    "\u030c": r"\v",
    "\u0323": r"\d",
    "\u0327": r"\c",
}


def _character(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    if character in _MATH:
        return rf"\ensuremath{{{_MATH[character]}}}"
    if " " <= character <= "~":
        return character
    return _accented(character) or f"{{[}}U+{ord(character):04X}{{]}}"


def _accented(character: str) -> str:
    """Return a Latin letter with one accent as a command; empty where it is none."""
    parts = unicodedata.normalize("NFD", character)
    letter, mark = parts[0], parts[1:]
    if not (letter.isascii() and letter.isalpha() and mark in _ACCENTS):
        return ""
    dotless = {"i": r"\i", "j": r"\j"}.get(letter, letter)
    under = mark in ("\u0323", "\u0327")
    return f"{_ACCENTS[mark]}{{{letter if under else dotless}}}"
