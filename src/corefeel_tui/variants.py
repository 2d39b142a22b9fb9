"""The variant grammar: "4bit-g32+kv8" ↔ `VariantSpec`.

Pure text: knows which treatments have a name; knows no model, file or machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from corefeel_tui.errors import UsageError

Kind = Literal["bf16", "affine", "microscaling", "calibrated", "emulated", "recipe", "path"]

BITS = (2, 3, 4, 5, 6, 8)
GROUPS = (32, 64, 128)
DEFAULT_GROUP = 64
MICROSCALING = {"mxfp4": (4, 32), "nvfp4": (4, 16), "mxfp8": (8, 32)}
"""Mode → (bits, group), both fixed by the format."""
CALIBRATED = {"gptq": (2, 4, 8), "awq": (2, 3, 4, 5, 6, 8), "dwq": (2, 3, 4, 5, 6)}
"""Method → the bits that mlx-lm carries it out in."""
EMULATED = ("w8a8", "smoothquant-w8a8", "llmint8")
MIXED = ("mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6")
"""mlx-lm's own recipes: the fewer bits, and the more bits of v_proj, down_proj and lm_head."""

REFERENCE = "bf16"
RESERVED = "control"
"""The engine's own positive control; never one of the user's variants."""

_KV = re.compile(r"\+(?:kv(\d+)|k(\d+)v(\d+))$")
_AFFINE = re.compile(r"(\d+)bit(?:-g(\d+))?")
_CALIBRATED = re.compile(r"(gptq|awq|dwq)-(\d+)bit(?:-g(\d+))?(?::(.+))?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One treatment of the reference's weights, and perhaps of its KV cache.

    `bits` and `group` are those of the weights where the treatment fixes them; `method` is the
    word of the grammar for the kinds that have several; `source` is the path or hub id of an
    already quantized model, the file or name of a recipe, or the user's own calibration text;
    `kv` = (bits of K, bits of V).
    """

    name: str
    kind: Kind
    bits: int | None = None
    group: int | None = None
    method: str | None = None
    source: str | None = None
    kv: tuple[int, int] | None = None

    def __str__(self) -> str:
        """The text that parses to this spec."""
        if self.kind == "path":
            return f"{self.name}={self.source}{_kv_text(self.kv)}"
        return self.name

    @property
    def is_reference(self) -> bool:
        """Whether this is the model as it is, nothing treated."""
        return self.kind == "bf16" and self.kv is None


def parse(text: str) -> VariantSpec:
    """The spec `text` names.  Raises UsageError naming the nearest valid variant."""
    text = text.strip()
    body, kv = _split_kv(text)
    if body.startswith("recipe:") and len(body) > len("recipe:"):
        source = body.removeprefix("recipe:")
        return VariantSpec(body + _kv_text(kv), "recipe", source=source, kv=kv)
    if spec := _parse_calibrated(body, kv):
        return spec
    name, equals, source = body.partition("=")
    if equals:
        return VariantSpec(_check_name(name), "path", source=_check_source(name, source), kv=kv)
    if body == REFERENCE:
        return VariantSpec(REFERENCE + _kv_text(kv), "bf16", kv=kv)
    if affine := _AFFINE.fullmatch(body):
        bits, group = int(affine[1]), int(affine[2] or DEFAULT_GROUP)
        if bits in BITS and group in GROUPS:
            name = f"{bits}bit" + (f"-g{group}" if group != DEFAULT_GROUP else "")
            return VariantSpec(name + _kv_text(kv), "affine", bits, group, kv=kv)
    if body in MICROSCALING:
        bits, group = MICROSCALING[body]
        return VariantSpec(body + _kv_text(kv), "microscaling", bits, group, body, kv=kv)
    if body in EMULATED:
        return VariantSpec(body + _kv_text(kv), "emulated", 8, method=body, kv=kv)
    raise UsageError(_unknown(text, body))


def parse_all(texts: Iterable[str], reference: str = REFERENCE) -> list[VariantSpec]:
    """Specs of a variant list, the reference first, added if it was not named.

    Raises UsageError on a variant that is unknown or named twice, and on a `reference` that names
    none of them.
    """
    specs: dict[str, VariantSpec] = {}
    for text in texts:
        spec = parse(text)
        if spec.name in specs:
            raise UsageError(f"variant “{spec.name}” is named twice")
        specs[spec.name] = spec
    if reference == REFERENCE:
        specs.setdefault(REFERENCE, parse(REFERENCE))
    if reference not in specs:
        named = ", ".join(specs)
        raise UsageError(f"the reference “{reference}” is none of the variants: {named}")
    first = specs.pop(reference)
    return [first, *specs.values()]


def split(text: str) -> list[str]:
    """The items of a comma list, as typed after --variants."""
    return [item.strip() for item in text.split(",") if item.strip()]


def valid_names() -> list[str]:
    """Every weight treatment that has a fixed name, for suggestions and completion."""
    affine = [f"{bits}bit" for bits in reversed(BITS)]
    grouped = [f"{name}-g{group}" for name in affine for group in (32, 128)]
    calibrated = [f"{method}-{b}bit" for method, bits in CALIBRATED.items() for b in reversed(bits)]
    recipes = [f"recipe:{name}" for name in MIXED]
    return [REFERENCE, *affine, *grouped, *MICROSCALING, *calibrated, *EMULATED, *recipes]


def _parse_calibrated(body: str, kv: tuple[int, int] | None) -> VariantSpec | None:
    match = _CALIBRATED.fullmatch(body)
    if match is None:
        return None
    method, bits, group, source = match[1], int(match[2]), int(match[3] or DEFAULT_GROUP), match[4]
    if bits not in CALIBRATED[method] or group not in GROUPS:
        raise UsageError(
            f"unknown variant “{body}”: {method} has {_listed(CALIBRATED[method])} bits in groups "
            f"of {_listed(GROUPS)}, as in {method}-4bit"
        )
    name = f"{method}-{bits}bit" + (f"-g{group}" if group != DEFAULT_GROUP else "")
    name += f":{source}" if source else ""
    return VariantSpec(name + _kv_text(kv), "calibrated", bits, group, method, source, kv)


def _kv_text(kv: tuple[int, int] | None) -> str:
    if kv is None:
        return ""
    return f"+kv{kv[0]}" if kv[0] == kv[1] else f"+k{kv[0]}v{kv[1]}"


def _split_kv(text: str) -> tuple[str, tuple[int, int] | None]:
    match = _KV.search(text)
    if match is None:
        return text, None
    keys, values = int(match[1] or match[2]), int(match[1] or match[3])
    if not {keys, values} <= set(BITS):
        raise UsageError(
            f"variant “{text}”: a KV cache has {_listed(BITS)} bits, as in +kv8 or +k8v4"
        )
    return text[: match.start()], (keys, values)


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"“{name}” is no name for a variant: use letters, digits and . _ -")
    if name == RESERVED or name in valid_names():
        raise UsageError(f"the name “{name}” is taken; call the variant something else")
    return name


def _check_source(name: str, source: str) -> str:
    if not source:
        raise UsageError(f"variant “{name}=” names no path or hub id")
    return source


def _unknown(text: str, body: str) -> str:
    if body == RESERVED:
        return f"the variant name “{RESERVED}” is reserved for the engine's own control"
    affine = _AFFINE.fullmatch(body)
    if affine is None:
        near = get_close_matches(body.lower(), valid_names(), n=1, cutoff=0.0)[0]
        return f"unknown variant “{text}”; the nearest valid one is “{near}”"
    bits = min(BITS, key=lambda b: (abs(b - int(affine[1])), -b))
    group = min(GROUPS, key=lambda g: abs(g - int(affine[2] or DEFAULT_GROUP)))
    near = f"{bits}bit" + (f"-g{group}" if group != DEFAULT_GROUP else "")
    return (
        f"unknown variant “{text}”: bits are {_listed(BITS)} and groups {_listed(GROUPS)}; "
        f"the nearest valid one is “{near}”"
    )


def _listed(numbers: Iterable[int]) -> str:
    *head, last = map(str, numbers)
    return f"{', '.join(head)} or {last}"
