"""The tree of a session: runs and what branches from them; two of them can be put side by side."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from corefeel_tui.branches import Node, labels_of, models_of, taken_up, tree
from corefeel_tui.folding import Record, Run
from corefeel_tui.text.inert import inert, preview

Chosen = tuple[str, ...]
"""One run to show, or two to compare."""


class RunTree(Tree[str]):
    """A tree whose Space marks a run."""

    BINDINGS: ClassVar[list[BindingType]] = [("space", "screen.mark", "mark")]


class TreeScreen(ModalScreen[Chosen | None]):
    """Dismissed with the run to show, with the two to compare, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,v,q", "dismiss(None)", "close"),
        ("c", "compare", "side by side"),
    ]

    def __init__(self, record: Record, run: str | None) -> None:
        super().__init__()
        self._record = record
        self._run = run
        self._marked: list[str] = []
        self._places: dict[str, TreeNode[str]] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "runs and branches"
            yield RunTree("this session")
            yield Static(id="state")
            keys = "⏎ show · space mark, c puts two marked ones side by side · esc close"
            yield Static(keys, classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        view = self.query_one(RunTree)
        view.show_root = False
        for node in tree(self._record):
            self._add(view.root, node)
        view.root.expand_all()
        view.focus()
        if self._run in self._places:
            self.call_after_refresh(view.move_cursor, self._places[self._run])
        self._tell()

    def _add(self, parent: TreeNode[str], node: Node) -> None:
        name = node.run.started.run
        made = parent.add(self._label(node.run), data=name, expand=True)
        made.allow_expand = bool(node.branches)
        self._places[name] = made
        for branch in node.branches:
            self._add(made, branch)

    def _label(self, run: Run) -> Text:
        """A run's own words, or where and how it branched; and the verdicts it got."""
        name, started = run.started.run, run.started
        counts = Counter(labels_of(run, models_of(run)).values())
        verdicts = " · ".join(f"{count} {label}" for label, count in counts.items())
        mark = "● " if name in self._marked else "  "
        words = preview(started.prompt, 40)
        branched = taken_up(self._record, run)
        what = f"↳ {branched}" if branched else words
        if branched and (started.branches_from or {}).get("edited"):
            what = f"↳ {branched}: {words}"
        here = "bold" if name == self._run else ""
        item = f"{inert(started.item)} " if started.item else ""
        return Text.assemble(
            (mark, "bold"), (item, "dim"), (inert(what), here), (f"  {inert(verdicts)}", "dim")
        )

    def _tell(self) -> None:
        many = {0: "nothing is marked", 1: "one run is marked", 2: "c puts both side by side"}
        self.query_one("#state", Static).update(many[len(self._marked)])

    def action_mark(self) -> None:
        """Mark the run at the cursor, or no more; of three the first goes."""
        node = self.query_one(RunTree).cursor_node
        if node is None or node.data is None:
            return
        if node.data in self._marked:
            self._marked.remove(node.data)
        else:
            self._marked = [*self._marked, node.data][-2:]
        for name, other in self._places.items():
            other.set_label(self._label(self._record.runs[name]))
        self._tell()

    def action_compare(self) -> None:
        if len(self._marked) == 2:
            order = list(self._record.runs)
            self.dismiss(tuple(sorted(self._marked, key=order.index)))
        else:
            self.notify("mark two runs with Space first", severity="warning")

    @on(Tree.NodeSelected)
    def take(self, event: Tree.NodeSelected[str]) -> None:
        if event.node.data is not None:
            self.dismiss((event.node.data,))
