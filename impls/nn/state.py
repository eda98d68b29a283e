r"""State: every tensor of a module by its name, saved and loaded.

    state(m) = m's parameters, then its buffers that persist, then its extra state, then child.n for each child
    load:  t ← state[name]  for every name, in place, or in its place if assigned

A state shares the module's memory, and holds a tied parameter under each of its names.  What is loaded must fit to the
name and to the shape: nothing is broadcast, and a misfit raises even when names need not match.  What does fit is in by
then, so a load that raises has happened in part (tests/planted: state_ignores_what_is_missing).

Shapes   those of the module's own; a number may come as an array of one element, as it did before torch 0.4.
Units    those of what is saved.
Raises   TypeError for what is no mapping;  RuntimeError for a state that does not fit: in native's words.
Source   torch/nn/modules/module.py (PyTorch 2.13).  Keys below a child that is None are not unexpected, and
         _load_from_state_dict is told strict=True whatever was asked for: live bugs of native, kept.
"""

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import Any

import torch

from impls.ladder import Absent, Ladder
from impls.nn.hooks import enter
from impls.nn.parameter import Parameter
from impls.nn.registration import ModuleTables
from impls.since import TORCH

# ── custom ──────────────────────────────────────────────────────────────────────────────────────


class Tables:
    """The hooks on a module's saving and loading, by kind."""

    def __init__(self):
        self.save_pre, self.save_post, self.load_pre, self.load_post = (OrderedDict() for _ in range(4))


class State(ModuleTables):
    """The part of Module that saves and loads."""

    _version = 1  # of the layout of the state; a child that changes its layout counts on
    _state_hooks: Any = Tables()  # nobody's, until a module has a hook of its own

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """Every name with its tensor, which still shares the module's memory."""
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            return self.state_dict(**{"destination": destination, "prefix": prefix, "keep_vars": keep_vars} | given)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_hooks.save_pre.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_hooks.save_post.values():
            if hook(self, destination, prefix, metadata) is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """A child may save more, or otherwise."""
        for name, tensor in self._state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[f"{prefix}_extra_state"] = self.get_extra_state()

    def _state(self):
        """The module's own part of the state: parameters, then the buffers that persist."""
        buffers = {name: b for name, b in self._buffers.items() if name not in self._non_persistent_buffers_set}
        return {name: tensor for name, tensor in (self._parameters | buffers).items() if tensor is not None}

    def get_extra_state(self):
        """A child with more to save than tensors returns it here, and takes it back in set_extra_state."""
        raise RuntimeError(_UNREACHED.format("get"))

    def set_extra_state(self, state):  # noqa: ARG002  # a child's argument
        raise RuntimeError(_UNREACHED.format("set"))

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the tensors in by name; those that fit are in even when the rest makes it raise."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata  # type: ignore[attr-defined]  # as state_dict() has it
        found = _IncompatibleKeys([], [])
        errors: list[str] = []
        self._load(state_dict, "", metadata, assign, found, errors)
        if strict and found.unexpected_keys:
            errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(found.unexpected_keys)}. ")
        if strict and found.missing_keys:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(found.missing_keys)}. ")
        if errors:
            lines = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{lines}")
        return found

    def _load(self, state, prefix, metadata, assign, found, errors):
        """Load a module, then its children, then tell its hooks."""
        local = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local["assign_to_params_buffers"] = assign
        self._load_from_state_dict(state, prefix, local, True, found.missing_keys, found.unexpected_keys, errors)
        for name, child in self._modules.items():
            if child is not None:
                below = {key: t for key, t in state.items() if key.startswith(f"{prefix}{name}.")}
                child._load(below, f"{prefix}{name}.", metadata, assign, found, errors)
        for hook in self._state_hooks.load_post.values():
            if hook(self, found) is not None:
                gap = " " if TORCH >= (2, 13) else ""
                raise AssertionError(
                    f"Hooks registered with ``register_load_state_dict_post_hook`` are not{gap}expected to return new "
                    f"values, if incompatible_keys need to be modified,{gap}it should be done inplace."
                )

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """A child may load otherwise, from another version for one: `local_metadata` has what was saved."""
        for hook in self._state_hooks.load_pre.values():
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own, assign = self._state(), local_metadata.get("assign_to_params_buffers", False)
        for name, mine in own.items():
            key = prefix + name
            if key in state_dict:
                self._load_tensor(name, mine, key, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        extra = f"{prefix}_extra_state"
        takes_extra = type(self).set_extra_state is not State.set_extra_state
        if takes_extra and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif takes_extra and strict:
            missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        for key in state_dict if strict else ():
            name, dot, _ = key.removeprefix(prefix).partition(".")
            if key.startswith(prefix) and key != extra and name not in (self._modules if dot else own):
                unexpected_keys.append(key)

    def _load_tensor(self, name, mine, key, theirs, assign, errors):
        if not isinstance(theirs, torch.Tensor):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
                f"from checkpoint but received {type(theirs)}"
            )
            return
        if mine.dim() == 0 and theirs.shape == (1,):  # a number, as it was saved before torch 0.4
            theirs = theirs[0]
        if theirs.shape != mine.shape:
            errors.append(
                f"size mismatch for {key}: copying a param with shape {theirs.shape} from checkpoint, "
                f"the shape in current model is {mine.shape}."
            )
            return
        if mine.is_meta and not theirs.is_meta and not assign:
            warnings.warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary "
                "to their corresponding key in the module instead of copying them in place?)",
                stacklevel=2,
            )
        try:
            self._put(name, mine, theirs, assign)
        except Exception as refused:
            errors.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are {mine.size()} and whose '
                f"dimensions in the checkpoint are {theirs.size()}, an exception occurred : {refused.args}."
            )

    @torch.no_grad()
    def _put(self, name, mine, theirs, assign):
        if not assign:
            mine.copy_(theirs)
            return
        if isinstance(mine, Parameter):
            theirs = theirs if isinstance(theirs, Parameter) else Parameter(theirs, mine.requires_grad)
            theirs.requires_grad_(mine.requires_grad)
        setattr(self, name, theirs)

    def _own_state_hooks(self):
        if "_state_hooks" not in vars(self):
            self._state_hooks = Tables()
        return self._state_hooks

    def register_state_dict_pre_hook(self, hook):
        return enter(self._own_state_hooks().save_pre, hook)

    def register_state_dict_post_hook(self, hook):
        return enter(self._own_state_hooks().save_post, hook)

    def register_load_state_dict_pre_hook(self, hook):
        return enter(self._own_state_hooks().load_pre, hook)

    def register_load_state_dict_post_hook(self, hook):
        return enter(self._own_state_hooks().load_post, hook)


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()


_UNREACHED = (
    "Reached a code path in Module.{}_extra_state() that should never be called. Please file an issue at "
    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
)


def _quoted(keys):
    return ", ".join(f'"{key}"' for key in keys)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    Absent("a nested dictionary is its own state, and pickle saves it"),
    Absent("a dictionary of tensors is its own state, and torch.save saves it"),
    State,
    Absent("torch.nn.Module has it in one class with the rest, see nn.module"),
)
