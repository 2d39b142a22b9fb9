"""The training loop: checkpoints, resumes, logs its curve;
knows no skill by name and downloads nothing.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from corefeel_tui.errors import CorefeelError

from .corpus import SKILLS
from .muon import Muon
from .network import Network, Packed, compile_blocks, pack
from .plan import Phase, Plan
from .probe import probe
from .stream import Position, Stream
from .workers import agreed, mine, rank, summed

CHECKPOINT = "checkpoint.pt"


@dataclass
class Progress:
    """What must survive an interruption besides weights, optimizers and the random state."""

    step: int = 0
    tokens: int = 0
    position: Position = field(default_factory=Position)
    stage: str = "short"
    decay_from: int | None = None
    decay_steps: int = 0
    seconds: float = 0.0


class Trainer:
    """One run in one folder; `run` may be interrupted at any time and called again."""

    def __init__(self, plan: Plan, tokenizer: Tokenizer, folder: Path) -> None:
        self.plan, self.tokenizer, self.folder = plan, tokenizer, folder
        self.leads = rank() == 0
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = Network(plan.shape).to(self.device)
        named = list(self.network.named_parameters())
        matrices = [weight for name, weight in named if weight.ndim == 2 and "embed" not in name]
        others = [weight for name, weight in named if weight.ndim != 2 or "embed" in name]
        self.optimizers: list[tuple[torch.optim.Optimizer, float]] = [
            (Muon(matrices, weight_decay=plan.weight_decay), plan.matrix_rate),
            (torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0), plan.other_rate),
        ]
        self.progress = Progress()
        if plan.begins:
            self._begin(Path(plan.begins))
        self._resume()
        if plan.compiled:
            compile_blocks(self.network)
        done = self.progress
        self.stream = Stream(tokenizer, plan.seed, done.position, done.stage)

    def run(self) -> None:
        started = saved = time.monotonic()
        before = self.progress.seconds
        sums, counts = torch.zeros(len(SKILLS)), torch.zeros(len(SKILLS))
        while not self._finished():
            losses, skills = self._step()
            sums.index_add_(0, skills, losses)
            counts.index_add_(0, skills, torch.ones_like(losses))
            self.progress.seconds = before + time.monotonic() - started
            if self.progress.step % 50 == 0 and self.leads:
                self._log("loss.csv", [self._rate(), *(sums / counts).tolist()])
                sums.zero_(), counts.zero_()
            if self.progress.step % self.plan.probe_every == 0 and self.leads:
                self._probe()
            if time.monotonic() - saved > self.plan.checkpoint_every and self.leads:
                self.save()
                saved = time.monotonic()
        if self.leads:
            self._probe()
            self.save()

    def _step(self) -> tuple[torch.Tensor, torch.Tensor]:
        phase = self._phase()
        conversations = self.stream.batch(phase.mixture, phase.batch_tokens)
        weight = sum(sum(conversation.weights) for conversation in conversations)
        packed = _moved(pack(mine(conversations)), self.device)
        rate = self._rate()
        with torch.autocast(self.device, dtype=torch.bfloat16):
            losses = self.network.losses(packed)
        weights = packed.weights[packed.targets >= 0]
        ((losses * weights).sum() / weight).backward()
        summed([weight.grad for weight in self.network.parameters() if weight.grad is not None])
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer, peak in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = peak * rate
            optimizer.step()
            optimizer.zero_grad()
        self.progress.step += 1
        self.progress.tokens += sum(len(conversation.ids) for conversation in conversations)
        self.progress.position, self.progress.stage = self.stream.position, self.stream.stage
        return losses.detach().cpu(), packed.skills[packed.targets >= 0].cpu()

    def _phase(self) -> Phase:
        return [p for p in self.plan.schedule if p.after <= self.progress.tokens][-1]

    def _rate(self) -> float:
        """Warm-up, then flat, then a line to zero over the decay steps."""
        progress = self.progress
        if progress.decay_from is not None:
            return max(
                0.0, 1 - (progress.step - progress.decay_from) / max(1, progress.decay_steps)
            )
        return min(1.0, (progress.step + 1) / self.plan.warmup)

    def _finished(self) -> bool:
        """Also starts the decay when the steps or the time left call for it, once and for good."""
        progress, plan = self.progress, self.plan
        if progress.decay_from is not None:
            return progress.step >= progress.decay_from + progress.decay_steps
        if plan.steps is not None:
            first = int(plan.steps * (1 - plan.decay))
            if progress.step >= first:
                progress.decay_from, progress.decay_steps = first, plan.steps - first
                return progress.step >= plan.steps
        elif plan.deadline is not None and progress.step >= 20:
            left = plan.deadline - time.time()
            begins = left <= plan.decay * (progress.seconds + left)
            pace = progress.tokens / progress.seconds / self._phase().batch_tokens
            steps = int(max(1, left) * pace)
            steps = agreed(steps if begins else 0)
            if steps:
                progress.decay_from, progress.decay_steps = progress.step, max(1, steps)
        return False

    def _probe(self) -> None:
        self.network.eval()
        scores = probe(self.network.cpu(), self.tokenizer)
        self.network.to(self.device).train()
        self._log("probe.csv", [value for skill in SKILLS for value in scores[skill]])

    def _log(self, name: str, values: list[float]) -> None:
        path, progress = self.folder / name, self.progress
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                ending = (
                    [c for s in SKILLS for c in (f"{s} right", f"{s} loss")]
                    if "probe" in name
                    else ["rate", *SKILLS]
                )
                writer.writerow(["step", "tokens", "seconds", "stage", *ending])
            row = [f"{value:.4f}" for value in values]
            writer.writerow(
                [progress.step, progress.tokens, round(progress.seconds), progress.stage, *row]
            )

    def save(self) -> None:
        """Write the checkpoint beside the old one, then replace it: an interruption leaves a whole
        file.
        """
        state = {
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer, _ in self.optimizers],
            "random": torch.get_rng_state(),
            "progress": {**asdict(self.progress), "position": tuple(self.progress.position)},
            "plan": {**asdict(self.plan), "schedule": [tuple(p) for p in self.plan.schedule]},
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_whole(self.folder / CHECKPOINT, buffer.getvalue())

    def _begin(self, model: Path) -> None:
        """Weights of an exported model instead of random ones."""
        self.network.load_state_dict(load_file(model / "model.safetensors"))

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        for (optimizer, _), saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state["random"].cpu())
        kept = dict(state["progress"])
        self.progress = Progress(**{**kept, "position": Position(*kept["position"])})


def train_run(plan: Plan, tokenizer: Path, folder: Path, threads: int) -> None:
    """One worker's part of a run; at module level, so that a fresh process finds it by name."""
    torch.set_num_threads(threads)
    Trainer(plan, Tokenizer.from_file(str(tokenizer)), folder).run()


def _moved(packed: Packed, device: str) -> Packed:
    ids, positions, targets, weights = (part.to(device) for part in packed[:4])
    skills = packed.skills.to(device)
    return Packed(ids, positions, targets, weights, packed.groups, skills, packed.starts)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step; a full disk leaves the old file and says so."""
    partial = path.with_suffix(path.suffix + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            kept = "the last good checkpoint was kept, free some space and run again"
            message = f"no space left to write {path}; {kept}"
            raise CorefeelError(message) from error
        raise CorefeelError(f"cannot write {path}: {error.strerror}") from error
