"""The command line, in real processes with the stand-in engine: output, exit codes, sentences."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from corefeel_tui import cli, client, environment, events
from corefeel_tui.folding import fold
from corefeel_tui.sessions import list_sessions
from tests.conftest import standin

ENGINE = client.SERVE
"""The real one, which some tests ask instead of the stand-in."""

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Done:
    """What a command line left."""

    code: int
    out: str
    err: str


Corefeel = Callable[..., Done]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sessions directory, and no terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    (tmp_path / "sessions").mkdir()
    return tmp_path


@pytest.fixture
def corefeel(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Corefeel:
    """`corefeel` in this process, the stand-in engine in its own."""
    monkeypatch.setattr(client, "SERVE", standin())

    def carry_out(*words: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.run(words)
        return Done(code, *capfd.readouterr())

    return carry_out


def command(*words: str | bytes, pause: float = 0.0) -> list[str | bytes]:
    """The command line of a process of its own, with the stand-in engine."""
    return [sys.executable, str(LAUNCH), str(pause), *words]


def refused(words: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """The sentence that ends a command before an engine starts; exit code 2."""
    assert cli.run(words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("corefeel: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.removeprefix("corefeel: ").rstrip()


def test_ask_jsonl_is_the_events_and_nothing_else(corefeel: Corefeel) -> None:
    done = corefeel("ask", "Open the valve?", "--format", "jsonl")
    assert done.code == 0
    said = [events.decode(line) for line in done.out.splitlines()]
    run = fold(said).runs["1"]
    assert run.started.prompt == "Open the valve?"
    assert set(run.trajectories) == {"bf16", "8bit", "4bit", "3bit", "2bit"}
    assert run.finished is not None


def test_ask_text_tells_verdicts_drift_and_floor(corefeel: Corefeel) -> None:
    done = corefeel("ask", "Open the valve?")
    told = done.out
    assert done.code == 0
    assert "bf16 · reference  VETO +6.1" in told
    assert "3bit  APPROVE −0.8  ‼ bf16 says VETO" in told
    assert "the same words as bf16" in told
    assert "floor 3e-7" in told
    assert "sessions/" in told


def test_ask_json_is_one_object(corefeel: Corefeel) -> None:
    answer = json.loads(corefeel("ask", "hello", "--format", "json").out)
    assert answer["reference"] == "bf16"
    assert answer["variants"]["3bit"]["verdict"]["label"] == "APPROVE"
    assert answer["variants"]["3bit"]["fork"] == 6
    assert answer["variants"]["bf16"]["locked"]["flips"] == 0
    assert Path(answer["session"]).exists()


def test_ask_takes_its_prompt_from_stdin(corefeel: Corefeel) -> None:
    done = corefeel("ask", "-", "--format", "json", stdin="Öffnen?\n".encode())
    assert json.loads(done.out)["prompt"] == "Öffnen?\n"


def test_ask_says_where_thinking_changes_nothing(corefeel: Corefeel) -> None:
    said = "this model knows no thinking"
    assert said in corefeel("ask", "hello", "--thinking", "--no-save").err
    assert said not in corefeel("ask", "hello", "--no-save").err


def test_ask_leaves_a_session_unless_told_not_to(corefeel: Corefeel, workplace: Path) -> None:
    assert corefeel("ask", "hello", "--no-save").code == 0
    assert list_sessions(workplace / "sessions") == []
    assert corefeel("ask", "hello").code == 0
    assert [info.first_prompt for info in list_sessions(workplace / "sessions")] == ["hello"]


def test_ask_into_a_given_file_never_overwrites_it(
    corefeel: Corefeel, workplace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert corefeel("ask", "hello", "--session", "mine.jsonl").code == 0
    before = (workplace / "mine.jsonl").read_bytes()
    assert "exists already" in refused(["ask", "hello", "--session", "mine.jsonl"], capfd)
    assert (workplace / "mine.jsonl").read_bytes() == before


def test_options_reach_the_engine(corefeel: Corefeel) -> None:
    words = ["--variants", "4bit,3bit", "--seed", "7", "--max-tokens", "5", "--temperature", "0.5"]
    answer = json.loads(corefeel("ask", "hello", *words, "--format", "json").out)
    assert list(answer["variants"]) == ["bf16", "4bit", "3bit"]
    assert answer["sampling"] == {"temperature": 0.5, "seed": 7, "max_tokens": 5}
    assert answer["variants"]["4bit"]["reason"] == "length"


def test_settings_are_defaults_and_options_win(corefeel: Corefeel, workplace: Path) -> None:
    (workplace / "corefeel.toml").write_text('variants = ["4bit"]\nseed = 3\nmax_tokens = 9\n')
    answer = json.loads(corefeel("ask", "hello", "--seed", "4", "--format", "json").out)
    assert list(answer["variants"]) == ["bf16", "4bit"]
    assert answer["sampling"] == {"temperature": 0.0, "seed": 4, "max_tokens": 9}


def test_score_json_is_the_result(corefeel: Corefeel, workplace: Path) -> None:
    (workplace / "text.txt").write_text("The harbour opens at six.")
    done = corefeel("score", "--text", "text.txt", "--format", "json")
    assert json.loads(done.out)["variants"]["4bit"]["kl"]["mean"] == 0.03


def test_score_text_is_a_table(corefeel: Corefeel, workplace: Path) -> None:
    (workplace / "text.txt").write_text("The harbour opens at six.")
    told = corefeel("score", "--text", "text.txt").out
    assert "perplexity" in told
    assert "4bit" in told


def test_variants_tells_size_and_room_before_loading(corefeel: Corefeel) -> None:
    told = corefeel("variants", "--variants", "8bit,4bit", "--length", "700").out
    assert "affine 4-bit, group 64" in told
    assert "expanded" in told
    assert "for 700 tokens in 10 rows" in told
    assert "fits: 53.2 MB at most, of 60 MB of available memory" in told
    refused = corefeel("variants", "--variants", "8bit,2bit")
    assert refused.code == 0
    assert "does not fit" in refused.out
    planned = json.loads(corefeel("variants", "--format", "json").out)
    assert planned["event"] == "planned_set"
    assert [v["included"] for v in planned["variants"]] == [True, True, True, True, False]


def test_more_length_than_the_context_is_said(corefeel: Corefeel) -> None:
    done = corefeel("variants", "--variants", "8bit", "--length", "9000")
    assert "--length 9,000 is more than the model's context: 2,048 are planned" in done.err
    assert "for 2048 tokens" in done.out
    assert not corefeel("variants", "--variants", "8bit", "--length", "2048").err


def test_variants_measured_are_loaded(corefeel: Corefeel) -> None:
    told = corefeel("variants", "--measure", "--variants", "8bit,2bit").out
    assert "tok/s" in told
    assert "loaded in" in told
    loaded = json.loads(corefeel("variants", "--measure", "--format", "json").out)
    assert loaded["event"] == "loaded"


def test_variants_of_a_missing_model_end_in_its_reason(corefeel: Corefeel) -> None:
    done = corefeel("variants", "missing")
    assert (done.code, done.out) == (2, "")
    assert "there is no model “missing”" in done.err


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("die", "killed (SIGKILL)"),
        ("exit 3", "exit code 3: last words"),
        ("fail", "952 more than the context"),
    ],
)
def test_a_failing_run_ends_in_its_reason(corefeel: Corefeel, prompt: str, reason: str) -> None:
    done = corefeel("ask", prompt)
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert reason in done.err


def test_a_model_that_cannot_be_loaded_ends_in_its_reason(corefeel: Corefeel) -> None:
    done = corefeel("ask", "missing", "hello")
    assert (done.code, done.out) == (2, "")
    assert "there is no model “missing”" in done.err


def test_garbage_from_the_engine_is_noticed_on_stderr_only(corefeel: Corefeel) -> None:
    done = corefeel("ask", "garbage", "--format", "jsonl")
    assert done.code == 0
    assert all(events.decode(line) for line in done.out.splitlines())
    assert "model loaded in 3.2s" in done.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["ask"], "missing argument"),
        (["ask", ""], "the prompt is empty"),
        (["ask", " \n "], "the prompt is empty"),
        (["ask", "a", "b", "c"], "put the prompt in quotes"),
        (["ask", "\udcff"], "the prompt is not UTF-8"),
        (["ask", "hi", "--system", "\udcff"], "the system message is not UTF-8"),
        (["ask", "hi", "--max-tokens", "0"], "--max-tokens: input should be greater"),
        (["ask", "hi", "--max-tokens", "-5"], "--max-tokens: input should be greater"),
        (["ask", "hi", "--max-tokens", "99999999"], "--max-tokens: input should be less"),
        (["ask", "hi", "--max-tokens", "many"], "Input should be a valid int"),
        (["ask", "hi", "--temperature", "-1"], "--temperature: input should be greater"),
        (["ask", "hi", "--temperature", "nan"], "--temperature: input should be a finite"),
        (["ask", "hi", "--temperature", "1e9"], "--temperature: input should be less"),
        (["ask", "hi", "--top-p", "0"], "--top-p: input should be greater"),
        (["ask", "hi", "--top-p", "1.5"], "--top-p: input should be less"),
        (["ask", "hi", "--top-k", "-1"], "--top-k: input should be greater"),
        (["ask", "hi", "--min-p", "1"], "--min-p: input should be less"),
        (["ask", "hi", "--seed", "-1"], "--seed: input should be greater"),
        (["ask", "hi", "--seed", "9" * 30], "--seed: input should be less"),
        (["ask", "hi", "--stop", ""], "--stop is empty"),
        (["ask", "hi", "--variants", ""], "--variants has an empty name"),
        (["ask", "hi", "--variants", "4bit,,3bit"], "--variants has an empty name"),
        (["ask", "hi", "--variants", "4bit,4bit"], "“4bit” is named twice"),
        (["ask", "hi", "--variants", "9bit"], "the nearest valid one is “8bit”"),
        (["ask", "hi", "--variants", "4bit-g48"], "the nearest valid one is “4bit-g32”"),
        (["ask", "hi", "--reference", "bf17"], "the nearest valid one is “bf16”"),
        (["ask", "hi", "--session", "no/where.jsonl"], "its directory does not exist"),
        (["ask", "hi", "--format", "yaml"], "'yaml' is not one of"),
        (["ask", "hi", "--tempurature", "1"], "no such option: --tempurature"),
        (["score"], "give one of them"),
        (["score", "--text", "a", "--tokens", "b"], "give one of them"),
        (["score", "--text", "nowhere.txt"], "nowhere.txt is not a file"),
        (["score", "--text", __file__, "--context", "1"], "--context: 1 leaves nothing"),
        (["score", "--text", __file__, "--context", "-9"], "--context: -9 leaves nothing"),
        (["score", "--text", __file__, "--per-token", "no/where.npz"], "cannot be written"),
        (["variants", "--length", "0"], "--length: 0 leaves room for no token"),
        (["variants", "--variants", "9bit"], "the nearest valid one is “8bit”"),
        (["sessions", "show", "nothing"], "no session “nothing”"),
        (["sessions", "show", "\x1b[2Jx"], "no session “␛[2Jx”"),
        (["sessions", "burn"], "no such command 'burn'"),
        (["replay", "nothing"], "no session “nothing”"),
        (["replay", "--speed", "0"], "--speed: 0 would never end"),
        (["replay", "--speed", "nan"], "--speed: nan would never end"),
        (["replay", "/dev/null"], "no session"),
        (["replay"], "the app needs a terminal"),
        ([], "the app needs a terminal"),
        (["./ask"], "the app needs a terminal"),
        (["--variants", "4bit,4bit"], "“4bit” is named twice"),
        (["--frobnicate"], "no such option: --frobnicate"),
    ],
)
def test_bad_words_end_in_a_sentence(
    words: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(words, capfd)


def test_a_prompt_on_stdin_that_is_not_utf8_is_refused(corefeel: Corefeel) -> None:
    done = corefeel("ask", "-", stdin=b"valve \xff\xfe")
    assert done == Done(2, "", "corefeel: the prompt on stdin is not UTF-8 (byte 6)\n")


def test_a_prompt_in_the_arguments_that_is_not_utf8_is_refused() -> None:
    done = subprocess.run(command("ask", b"valve \xff"), capture_output=True, timeout=30)
    assert done.returncode == 2
    assert done.stderr == b"corefeel: the prompt is not UTF-8; convert it first\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "seed = 1\nmax_token = 3\n",
            "line 2: unknown key “max_token”; did you mean “max_tokens”?",
        ),
        ("seed = 1\n\ntop_p = 7\n", "line 3: “top_p”: input should be less than or equal to 1"),
        ("seed = \n", "line 1: not TOML"),
        ("theme = 'pink'\n", "line 1: “theme”: input should be 'dark' or 'light'"),
    ],
)
def test_wrong_settings_are_refused_with_their_line(
    workplace: Path, content: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (workplace / "corefeel.toml").write_text(content)
    assert f"corefeel.toml, {sentence}" in refused(["ask", "hi"], capfd)


def test_settings_that_are_not_utf8_are_refused(
    workplace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (workplace / "corefeel.toml").write_bytes(b"system = '\xff'\n")
    assert "corefeel.toml is not UTF-8 (byte 10)" in refused(["ask", "hi"], capfd)


def test_sessions_are_listed_and_shown(corefeel: Corefeel) -> None:
    corefeel("ask", "Open the valve?")
    listed = json.loads(corefeel("sessions", "list", "--format", "json").out)
    assert [info["runs"] for info in listed] == [1]
    name = Path(listed[0]["path"]).stem
    assert name in corefeel("sessions").out
    for word in (name, "last", listed[0]["path"]):
        shown = corefeel("sessions", "show", word)
        assert shown.code == 0
        assert "3bit  APPROVE −0.8" in shown.out
    shown = json.loads(corefeel("sessions", "show", "last", "--format", "json").out)
    assert shown["runs"][0]["prompt"] == "Open the valve?"


def test_a_damaged_session_is_refused_with_its_line(
    corefeel: Corefeel, workplace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    corefeel("ask", "hello", "--session", "mine.jsonl")
    lines = (workplace / "mine.jsonl").read_bytes().splitlines(keepends=True)
    (workplace / "mine.jsonl").write_bytes(b"".join([*lines[:4], b"{]\n", *lines[4:]]))
    for words in (["sessions", "show", "mine.jsonl"], ["replay", "mine.jsonl"]):
        assert "mine.jsonl, line 5: not JSON" in refused(words, capfd)


def test_an_unwritable_sessions_directory_is_said_and_the_answer_comes(
    corefeel: Corefeel, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "sessions").rmdir()
    (workplace / "home").write_text("a file where a directory should be")
    monkeypatch.setenv("XDG_DATA_HOME", str(workplace / "home"))
    done = corefeel("ask", "hello")
    assert done.code == 0
    assert "nothing is being saved" in done.err
    assert "not saved" in done.out


def test_what_a_model_writes_is_shown_not_obeyed(corefeel: Corefeel, workplace: Path) -> None:
    corefeel("ask", "hello", "--session", "mine.jsonl")
    path = workplace / "mine.jsonl"
    evil = r"[red]\u001b]0;title\u0007\u202e[/red]"
    path.write_bytes(path.read_bytes().replace(b"TRP-7", evil.encode()))
    shown = corefeel("sessions", "show", "mine.jsonl").out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[red]␛]0;title␇⟨U+202E⟩[/red]" in shown


def test_ctrl_c_stops_in_order_and_ends_with_130(workplace: Path) -> None:
    words = command("ask", "hello", "--format", "jsonl", pause=0.05)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        engine = json.loads(child.stdout.readline())["pid"]
        while b'"tokens"' not in child.stdout.readline():
            pass
        child.send_signal(signal.SIGINT)
        rest = [events.decode(line) for line in child.stdout]
        assert child.wait(10) == 130
        assert child.stderr.read() == b"corefeel: interrupted\n"
    assert isinstance(rest[-1], events.ItemFinished)
    assert rest[-1].status == "cancelled"
    assert not Path(f"/proc/{engine}").exists()
    assert [info.status for info in list_sessions(workplace / "sessions")] == ["finished"]


def test_ctrl_c_on_a_deaf_engine_ends_with_130_all_the_same() -> None:
    words = command("ask", "deaf", "--format", "jsonl")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        engine = json.loads(child.stdout.readline())["pid"]
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 130
    assert not Path(f"/proc/{engine}").exists()


@pytest.mark.parametrize("form", ["jsonl", "json", "text"])
def test_a_reader_that_goes_away_is_no_traceback(form: str) -> None:
    words = command("ask", "hello", "--format", form, pause=0.05)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        if form == "jsonl":
            child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(10) == cli.BROKEN_PIPE


def test_progress_is_drawn_on_a_terminal_only() -> None:
    parent, terminal = pty.openpty()
    with subprocess.Popen(
        command("ask", "hello", pause=0.02), stdout=subprocess.PIPE, stderr=terminal
    ) as child:
        os.close(terminal)
        assert child.stdout is not None
        drawn = b""
        while select.select([parent], [], [], 10)[0]:
            try:
                drawn += os.read(parent, 4096)
            except OSError:
                break
        told = child.stdout.read()
    os.close(parent)
    assert b"bf16 answers" in drawn
    assert b"answers" not in told


def test_doctor_names_what_is_there_and_what_is_missing(
    corefeel: Corefeel, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SERVE", ENGINE)
    monkeypatch.setenv("PATH", str(workplace))
    monkeypatch.setattr(environment, "OPENBLAS_PLACES", ())
    environment.openblas_path.cache_clear()
    facts = json.loads(corefeel("doctor", "--format", "json").out)
    environment.openblas_path.cache_clear()
    assert "libopenblas0" in facts["OpenBLAS"]
    assert "needs one" in facts["C++ compiler"]
    assert "mlx-lm 0." in facts["packages"]
    assert {"OpenBLAS", "C++ compiler"} <= facts["to do"].keys()
    assert "corefeel" not in facts["to do"]
    assert "BLAS none" in facts["backend"]
    assert all(f"{mode} " in facts["kernels"] for mode in ("8bit", "2bit", "mxfp4", "nvfp4"))
    assert "GFLOP/s" in facts["speed"]
    assert "usable of" in facts["memory"]


def test_doctor_marks_what_is_to_be_done_and_clears_caches(
    corefeel: Corefeel, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SERVE", ENGINE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_home / "cache"))
    monkeypatch.setenv("TERM", "vt100")
    monkeypatch.delenv("COLORTERM", raising=False)
    held = own_home / "cache" / "corefeel"
    for name in ("weights/a.safetensors", "figures/b.json", "hashes.json", "engine/kernel.so"):
        (held / name).parent.mkdir(parents=True, exist_ok=True)
        (held / name).write_bytes(b"x" * 1000)
    told = corefeel("doctor").out
    (colours,) = (line for line in told.splitlines() if "colours" in line)
    assert colours.startswith("! ")
    assert "TERM=xterm-256color" in colours
    assert (held / "weights" / "a.safetensors").exists()
    corefeel("doctor", "--clear")
    left = {str(path.relative_to(held)) for path in held.rglob("*") if path.is_file()}
    assert "engine/kernel.so" in left
    assert not left & {"weights/a.safetensors", "figures/b.json", "hashes.json"}


def test_doctor_tells_of_an_engine_that_does_not_start(
    corefeel: Corefeel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SERVE", ("/nonexistent/engine",))
    facts = json.loads(corefeel("doctor", "--format", "json").out)
    assert "does not answer" in facts["engine"]


def test_the_first_word_is_a_model_unless_it_names_a_verb(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["--version"]) == 0
    assert capfd.readouterr().out.startswith("corefeel 0.")
    assert cli.run(["--help"]) == 0
    told = capfd.readouterr().out
    assert all(verb in told for verb in cli.VERBS)
    assert cli.OPEN not in told
