r"""A loader that can say where it is, and go on from there: in another process, to the bit.

    state = (G, k, L, H)      G  the generators at the start of the pass        k  how often the sampler was asked
                              L  the generators before those requests at which the sampler drew what others had moved
                              H  the generators now
    resume:  set G, start a pass, ask k times with L set where it is due and throw away what comes, set H

Torch's loader has no state: a checkpoint within a pass either starts it anew, in another order, or skips k batches by
loading them, which draws other numbers unless every generator is put back first.  With G, L and H the rest of the pass,
and every pass after it, are those of the run that was never stopped, whatever else draws from the same generators.
Rows in this process are not loaded again; in workers, which have generators of their own, and from a stream they are.
At the end of a pass there is nothing left to skip: what is kept too long shortens every later pass
(huggingface/datasets#7447, meta-pytorch/data#1437; tests/planted: stateful_loader_never_ends).

Watched are torch's global generator, the loader's, and the sampler's own; NumPy's and Python's are the caller's to
save, and so is what a dataset keeps for itself.  The state is that of the pass begun last.

Shapes   as for the loader.
Units    as for the loader.
Raises   ValueError for persistent_workers, whose generators are out of reach, and for in_order=False.
Source   the interface: torchdata.stateful_dataloader.StatefulDataLoader (torchdata 0.11).
"""

import contextlib

import torch

from impls.data.loader import Batch, DataLoader, Pass
from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class StatefulDataLoader(DataLoader[Batch]):
    """A DataLoader with state_dict and load_state_dict, in the manner of torchdata's."""

    _latest = None  # the pass begun last
    _resumed = None  # the pass that the next iter() returns

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.persistent_workers:
            raise ValueError("persistent_workers keep generators that cannot be saved: use persistent_workers=False")
        if not self.in_order:
            raise ValueError("in_order=False gives batches in no order that can be resumed: use in_order=True")

    @property
    def generators(self):
        """All generators from which a pass may draw in this process."""
        samplers = [self.batch_sampler, self.sampler, getattr(self.batch_sampler, "sampler", None)]
        found = [torch.default_generator, self.generator, *(getattr(s, "generator", None) for s in samplers)]
        return list({id(g): g for g in found if g is not None}.values())

    def __iter__(self):
        resumed, self._resumed = self._resumed, None
        self._latest = Watched(self) if resumed is None else resumed
        return self._latest

    def state_dict(self):
        running = self._latest if self._resumed is None else self._resumed
        return {
            "generators": states(self.generators),
            "pass": None if running is None or running.watch.ended else running.watch.notes(),
        }

    def load_state_dict(self, state_dict):
        """Go on from there at the next iter(); the generators stand there at once."""
        self._latest = self._resumed = None
        if state_dict["pass"] is not None:
            self._resumed = Watched(self, **state_dict["pass"])
        put_back(self.generators, state_dict["generators"])


class Watched(Pass):
    """A pass that is watched, and begins where the notes about another one end."""

    def __init__(self, loader, start=None, asked=0, moved=None):
        self.generators = loader.generators
        if start is not None:
            put_back(self.generators, start)
        self.start = states(self.generators)
        super().__init__(loader)
        for number in range(asked):
            if number in moved:
                put_back(self.generators, moved[number])
            with contextlib.suppress(Exception):  # what failed fails again
                next(self.watch)

    def watched(self, source):
        self.watch = Watch(source, self.generators, self.start)
        return self.watch


class Watch:
    """An iterator that notes what it takes to bring its like to the same place."""

    def __init__(self, source, generators, start):
        self.source, self.generators, self.start = source, generators, start
        self.asked, self.moved, self.ended = 0, {}, False
        self.left = states(generators)

    def __iter__(self):
        return self

    def __next__(self):
        before = states(self.generators)
        try:
            return next(self.source)
        except StopIteration:
            self.ended = True
            raise
        finally:
            after = states(self.generators)
            if not same(after, before) and not same(before, self.left):
                self.moved[self.asked] = before
            self.asked, self.left = self.asked + 1, after

    def notes(self):
        return {"start": self.start, "asked": self.asked, "moved": dict(self.moved)}


def states(generators):
    return [generator.get_state() for generator in generators]


def put_back(generators, states):
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)


def same(some, others):
    return all(map(torch.equal, some, others))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("the cursor of the manual loader, a value, is its state: keep it with the generator's and go on from both"),
    Absent("a plain loop is resumed by its own code, from the same four things"),
    StatefulDataLoader,
    Absent("torch's loader has no state: within a pass there is no going on"),
)
