r"""Hooks: functions that see what goes in, what comes out, and the gradients of both.

    x ← pre(m, x)         ∂y ← backward_pre(m, ∂y)          each, if it returns anything
    y = f(x)
    y ← hook(m, x, y)     ∂x ← backward(m, ∂x, ∂y)

Global hooks come before a module's own, and each kind in the order of registration, but for who asks to be first.  What
a hook returns replaces what it was shown: who wraps a hook and forgets to return loses it (tests/planted:
hooks_result_dropped).  A hook that is always called is called even when forward raises, with what there is by then, and
the error goes on.  Without hooks a call is forward and nothing else, so the tables are made when the first one comes.

Shapes   any.
Units    none.
Raises   RuntimeError for a pre-hook with kwargs that returns no pair;  what forward raises, after the hooks.
Source   torch/nn/modules/module.py, torch/utils/hooks.py (PyTorch 2.13), without the backward hooks that are not full,
         which it deprecates.
"""

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils.hooks import BackwardHook, RemovableHandle

from impls.ladder import Absent, Ladder

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Hook(NamedTuple):
    function: Callable
    with_kwargs: bool = False
    always_call: bool = False


class Tables:
    """The hooks of one module, or of all, by kind."""

    def __init__(self):
        self.pre, self.post, self.backward_pre, self.backward = (OrderedDict() for _ in range(4))

    def any(self):
        return bool(self.pre or self.post or self.backward_pre or self.backward)


def enter(table, hook, prepend=False):
    """Return the handle that takes the hook out again."""
    handle = RemovableHandle(table)
    table[handle.id] = hook
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


EVERYWHERE = Tables()


class Hooks:
    """The part of Module that is called."""

    forward: Callable
    _hooks: Any = None  # a module's own Tables, once it has a hook

    def __call__(self, *args, **kwargs):
        if self._hooks is None and not EVERYWHERE.any():
            return self.forward(*args, **kwargs)
        return _Call(self, args, kwargs).run()

    def _own_hooks(self):
        if self._hooks is None:
            self._hooks = Tables()
        return self._hooks

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        return enter(self._own_hooks().pre, Hook(hook, with_kwargs), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        return enter(self._own_hooks().post, Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        return enter(self._own_hooks().backward_pre, Hook(hook), prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        return enter(self._own_hooks().backward, Hook(hook), prepend)


class _Call:
    """One call of a module that has hooks, or where all have."""

    def __init__(self, module, args, kwargs):
        self.module, self.args, self.kwargs, self.result = module, args, kwargs, None
        self.own = module._hooks or Tables()
        self.called = set()  # the hooks that are always called, and were

    def run(self):
        try:
            self._before()
            watched = self._watched()
            if watched:
                self.args = watched.setup_input_hook(self.args)
            self.result = self.module.forward(*self.args, **self.kwargs)
            self._after()
            return self._output(watched) if watched else self.result
        except Exception:
            self._in_spite()
            raise

    def _hooks(self, kind):
        return [*getattr(EVERYWHERE, kind).items(), *getattr(self.own, kind).items()]

    def _before(self):
        for _, hook in self._hooks("pre"):
            if not hook.with_kwargs:
                args = hook.function(self.module, self.args)
                if args is not None:
                    self.args = args if isinstance(args, tuple) else (args,)
                continue
            both = hook.function(self.module, self.args, self.kwargs)
            if both is not None:
                if not (isinstance(both, tuple) and len(both) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {both}."
                    )
                self.args, self.kwargs = both

    def _after(self):
        for i, hook in self._hooks("post"):
            if hook.always_call:
                self.called.add(i)
            self._show(hook, hook.with_kwargs)

    def _show(self, hook, with_kwargs):
        shown = (self.args, self.kwargs, self.result) if with_kwargs else (self.args, self.result)
        result = hook.function(self.module, *shown)
        if result is not None:
            self.result = result

    def _in_spite(self):
        """Call the hooks that are always called; a global one is not shown the kwargs, though it asked: native's."""
        for i, hook in self._hooks("post"):
            if hook.always_call and i not in self.called:
                everywhere = i in EVERYWHERE.post
                try:
                    self._show(hook, hook.with_kwargs and not everywhere)
                except Exception as silenced:
                    warnings.warn(
                        f"{'global ' * everywhere}module forward hook with ``always_call=True`` raised an exception "
                        f"that was silenced as another error was raised in forward: {silenced}",
                        stacklevel=2,
                    )

    def _watched(self):
        """What stands in the graph on both sides of the module, or None if nobody asks for gradients."""
        after, before = ([hook.function for _, hook in self._hooks(kind)] for kind in ("backward", "backward_pre"))
        return BackwardHook(self.module, after, before) if after or before else None

    def _output(self, watched):
        if not isinstance(self.result, torch.Tensor | tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(self.result)}",
                stacklevel=2,
            )
        return watched.setup_output_hook(self.result)


def register_module_forward_pre_hook(hook):
    """Call hook(module, args) before the forward of every module."""
    return enter(EVERYWHERE.pre, Hook(hook))


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    return enter(EVERYWHERE.post, Hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook):
    return enter(EVERYWHERE.backward_pre, Hook(hook))


def register_module_full_backward_hook(hook):
    return enter(EVERYWHERE.backward, Hook(hook))


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a function that is to be seen is wrapped in another function"),
    Absent("a function that is to be seen is wrapped in another function"),
    Hooks,
    Absent("torch.nn.Module has it in one class with the rest, see nn.module"),
)
