"""What is known of each model stands where the eye looks for it."""

from __future__ import annotations

from dataclasses import replace

from corefeel_tui import events as ev
from tests.ui import stream
from tests.ui.conftest import rows, stage

NOTE = "cache: keys in 8 bits, values in 4, in 8 of 32 layers; held expanded"


def loaded() -> ev.Loaded:
    """One model of each kind that has something to say."""
    told = stream.loaded(["bf16", "4bit", "w8a8", "bf16+k8v4"])
    own = [
        {"prefill_tokens_per_second": 400.0},
        {"prefill_tokens_per_second": 500.0, "skipped": ["model.layers.0.mlp", "lm_head", "x"]},
        {"emulated": True, "notes": ["α = 0.5"]},
        {"kv_coverage": "8 of 32 layers", "notes": [NOTE]},
    ]
    variants = [{**data, **more} for data, more in zip(told.variants, own, strict=True)]
    return replace(told, variants=variants)


async def test_panes_with_nothing_to_show_tell_what_the_model_is() -> None:
    async with stage(size=(160, 40), events=[stream.engine_started(), loaded()]) as on:
        packed = on.text("4bit")
        assert "500 tok/s reading" in packed
        assert "tok/s answering" in packed
        assert "7.6 MB in memory" in packed
        assert "not quantized:" in packed
        assert "and 2 more" in packed.replace("\n", " ")
        emulated = on.text("w8a8").replace("\n", " ")
        assert "emulated: numbers, not speed" in emulated
        assert "α = 0.5" in emulated
        assert "answering" not in emulated
        assert "held expanded" in " ".join(on.text("bf16+k8v4").split())


async def test_the_frame_says_as_much_as_fits() -> None:
    events = [stream.engine_started(), loaded()]
    async with stage(size=(260, 40), events=events) as on:
        frame = {
            name: str(on.pane(name)._border_subtitle) for name in ("4bit", "w8a8", "bf16+k8v4")
        }
        assert "prefill 500" in frame["4bit"]
        assert "in memory" in frame["4bit"]
        assert frame["w8a8"].startswith("emulated: numbers, not speed")
        assert "cache in 8 of 32 layers" in frame["bf16+k8v4"]
        await on.pilot.resize_terminal(106, 30)
        await on.until(lambda: on.pane("w8a8").outer_size.width < 30)
        await on.pilot.pause()
        assert str(on.pane("w8a8")._border_subtitle).startswith("emulated")
        assert "tok/s" in str(on.pane("4bit")._border_subtitle)


async def test_speeds_taken_later_take_the_place_of_those_of_the_load() -> None:
    told = loaded()
    kept = {"tokens_per_second": 58.0, "measured": "2026-11-21T15:07Z"}
    told = replace(told, variants=[told.variants[0] | kept, *told.variants[1:]])
    async with stage(size=(260, 40), events=[stream.engine_started(), told]) as on:
        assert str(on.pane("bf16")._border_subtitle).startswith("58 tok/s* · ")
        busy = {"tokens_per_second": 61.0, "measured": None, "disturbed": True}
        await on.say([ev.Timed({"bf16": busy})])
        await on.until(lambda: "61 tok/s? · " in str(on.pane("bf16")._border_subtitle))
        await on.say([ev.Timed({"bf16": {**busy, "tokens_per_second": 170.0, "disturbed": False}})])
        await on.until(lambda: "170 tok/s · " in str(on.pane("bf16")._border_subtitle))
        await on.until(lambda: "170 tok/s answering" in on.text("bf16"))
        assert "500 tok/s reading" in on.text("4bit")


async def test_size_and_speed_are_one_key() -> None:
    async with stage(size=(160, 40), events=[stream.engine_started(), loaded()]) as on:
        await on.press("escape", "v")
        table = rows(on.app.compare.board.costs)
        head, reference, packed, emulated, cached, caption = table.splitlines()[:6]
        assert head.split()[:5] == ["model", "bits", "stored", "share", "memory"]
        assert head.split()[5:] == ["tok/s", "speed", "prefill"]
        assert reference.split()[-2:] == ["400", "reference"]
        assert "28 %" in packed
        assert "500" in packed
        assert "not quantized: model.layers.0.mlp and 2 more" in packed
        assert "emulated: numbers, not speed" in emulated
        assert "tok/s" not in emulated
        assert "cache quantized in 8 of 32 layers" in cached
        assert "no variant is faster" in caption
        await on.press("v")
        assert not on.app.compare.board.costs.display
