r"""What every optimizer shares: which tensors it steps, with which options, and what it remembers.

    for each group, for each parameter p of the group:
        if p has a gradient:  p, state[p] ← update(p, gradient of p, state[p], the group's options)

A missing gradient is not a zero gradient: the parameter is skipped, no state is created, nothing
decays and no step is counted (tests/planted: sgd_missing_gradient_is_zero).

Shapes   any; a parameter, its gradient and its state share one shape.
Units    those of the algorithm.
Raises   TypeError and ValueError for what cannot be optimized, in native's words.
Source   torch/optim/optimizer.py (PyTorch 2.13), without its hooks for all optimizers at once.
"""

import copy
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeAlias

import torch
from torch.optim.optimizer import ParamsT
from torch.utils.hooks import RemovableHandle

from impls.ladder import Absent, Ladder
from impls.since import TORCH

Group: TypeAlias = dict[str, Any]  # the options of some parameters, and they under "params"
States: TypeAlias = dict[torch.Tensor, dict[str, Any]]  # what is remembered of each parameter, by name
Tree: TypeAlias = dict[Any, Any]  # arrays, or states, nested as the parameters are

# ── manual ──────────────────────────────────────────────────────────────────────────────────────


def optimizer_manual(
    step: Callable[..., Any], params: Tree, grads: Tree, states: Tree, **options: Any
) -> tuple[Tree, Tree]:
    """Return (params, states) after `step` has been applied to each leaf of the nested dictionary `params`."""
    new_params, new_states = {}, {}
    for name, w in params.items():
        g, state = grads.get(name), states.get(name)
        if isinstance(w, dict):
            w, state = optimizer_manual(step, w, g or {}, state or {}, **options)
        elif g is not None:
            w, state = step(w, g, **options) if state is None else step(w, g, state, **options)
        new_params[name], new_states[name] = w, state
    return new_params, new_states


# ── custom ──────────────────────────────────────────────────────────────────────────────────────


UNORDERED = (
    "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets will change "
    "between runs. Please use a list instead."
)


class Optimizer:
    """Drop-in for torch.optim.Optimizer; a child checks its options and says in `update` how one tensor moves."""

    param_groups: list[Group]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]):
        if isinstance(params, torch.Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {torch.typename(params)}"
            )
        if isinstance(params, set) and TORCH >= (2, 15):
            warnings.warn(f"{UNORDERED} This will be an error in a future release.", FutureWarning, stacklevel=2)
        self.defaults, self.param_groups = defaults, []
        self.state: defaultdict = defaultdict(dict)
        self._hooks = _no_hooks()
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def update(self, p: torch.Tensor, g: torch.Tensor, group: Group) -> None:
        """Move `p` in place, given its gradient `g`, which is left as it is."""
        raise NotImplementedError

    def begin(self, p: torch.Tensor, g: torch.Tensor, *names: str) -> dict[str, Any]:
        """The state of `p` at this step, counted; at its first it is made, with a tensor of zeros for each name."""
        if p.is_complex():
            raise NotImplementedError(f"complex parameters are not on this rung; use torch.optim.{type(self).__name__}")
        if g.is_sparse:
            raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
        state = self.state[p]
        if not state:
            state["step"] = scalar(0.0)
            state.update({name: torch.zeros_like(p) for name in names})
        state["step"] += 1
        return state

    def step(self, *args: Any, **kwargs: Any) -> Any:
        """Move every parameter that has a gradient; a hook may replace the arguments, this optimizer among them."""
        args = (self, *args)
        for hook in self._hooks["step_pre"].values():
            answer = hook(self, args, kwargs)
            if answer is not None:
                if not (isinstance(answer, tuple) and len(answer) == 2):
                    raise RuntimeError(
                        f"{type(self)._step} must return None or a tuple of (new_args, new_kwargs), but got {answer}."
                    )
                args, kwargs = answer
        loss = type(self)._step(*args, **kwargs)
        for hook in self._hooks["step_post"].values():
            hook(self, args, kwargs)
        return loss

    def _step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if (g := p.grad) is not None:
                        self.update(p, g, group)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in chain.from_iterable(group["params"] for group in self.param_groups):
            if set_to_none or p.grad is None:
                p.grad = None
            else:
                p.grad = p.grad.detach_() if p.grad.grad_fn is not None else p.grad.requires_grad_(False)
                p.grad.zero_()

    def add_param_group(self, param_group: Group) -> None:
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        self._check(_listed(param_group))
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        if param_group.get("fused") and param_group["differentiable"]:
            raise RuntimeError("`fused` does not support `differentiable`")
        if param_group.get("fused") and param_group["foreach"]:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        for option in ("fused", "capturable", "differentiable"):
            if param_group.get(option):
                raise NotImplementedError(
                    f"{type(self).__name__}({option}=True) is not on this rung: it computes the same step by "
                    "another route (one kernel, a captured graph, a step that is differentiated); use torch.optim's"
                )
        self.param_groups.append(param_group)

    def _check(self, group):
        for p in group["params"]:
            if not isinstance(p, torch.Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {torch.typename(p)}")
            if not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(group["params"]) != len(set(group["params"])):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; "
                "in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        if any(("param_names" in group) != ("param_names" in other) for other in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if 'param_names' in group else 'without'} names to the optimizer"
            )
        if not set(group["params"]).isdisjoint(p for other in self.param_groups for p in other["params"]):
            raise ValueError("some parameters appear in more than one parameter group")

    def state_dict(self) -> dict[str, Any]:
        """The state by position: a parameter is its place in the order of the groups."""
        for hook in self._hooks["state_dict_pre"].values():
            hook(self)
        place: dict = {}
        for i, p in enumerate(_flat(self.param_groups)):
            place.setdefault(p, i)
        groups = [
            {k: v for k, v in group.items() if k != "params"} | {"params": [place[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {place.get(key, key): s for key, s in self.state.items()}
        return self._replaced("state_dict_post", {"state": state, "param_groups": groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state_dict = self._replaced("load_state_dict_pre", state_dict.copy())
        saved = copy.deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(s["params"]) != len(g["params"]) for s, g in zip(saved, self.param_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        param = dict(zip(_flat(saved), _flat(self.param_groups), strict=True))
        state: defaultdict = defaultdict(dict)
        for key, value in state_dict["state"].items():
            state[param.get(key, key)] = _like(param[key], value) if key in param else value
        for new, old in zip(saved, self.param_groups, strict=True):
            new["params"] = old["params"]
            if "param_names" in old:
                new.setdefault("param_names", old["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._hooks["load_state_dict_post"].values():
            hook(self)

    def _replaced(self, when, state_dict):
        for hook in self._hooks[when].values():
            answer = hook(self, state_dict)
            state_dict = state_dict if answer is None else answer
        return state_dict

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        return self._register("load_state_dict_post", hook, prepend)

    def _register(self, when, hook, prepend=False):
        handle = RemovableHandle(self._hooks[when])
        self._hooks[when][handle.id] = hook
        if prepend:
            self._hooks[when].move_to_end(handle.id, last=False)
        return handle

    @property  # type: ignore[misc]  # mypy asks for a setter
    def __class__(self):
        """What isinstance is told, which torch's schedulers ask: native's class, for which this is a drop-in."""
        return LADDER.native

    def __reduce_ex__(self, protocol):
        """Make a copy of this class: pickle, left to itself, finds that isinstance is told another."""
        return object.__new__, (type(self),), self.__getstate__()

    def __getstate__(self):
        """Without the hooks: a copy has none."""
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__.setdefault("_hooks", _no_hooks())
        self.defaults.setdefault("differentiable", False)

    def __repr__(self):
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            text += f"\nParameter Group {i}\n{options}"
        return text + ")"


def _no_hooks():
    moments = ("step", "state_dict", "load_state_dict")
    return {f"{moment}_{side}": OrderedDict() for moment in moments for side in ("pre", "post")}


def scalar(value: float) -> torch.Tensor:
    """A number of the state, as torch keeps it: a float32, unless float64 is the default."""
    return torch.tensor(value, dtype=torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32)


def rate(group: Group) -> Any:
    """The learning rate of a group: a number, or a tensor of one element, which rounds in its own dtype as in torch."""
    lr = group["lr"]
    return lr.reshape(()) if isinstance(lr, torch.Tensor) else lr


def check_options(lr: float | torch.Tensor, **options: float) -> None:
    """Refuse a learning rate of several elements, and whatever is below zero."""
    if isinstance(lr, torch.Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:  # noqa: SIM300 (of what is no number native's words tell its order)
        raise ValueError(f"Invalid learning rate: {lr}")
    for name, value in options.items():
        if not 0.0 <= value:  # noqa: SIM300 (likewise)
            raise ValueError(f"Invalid {name} value: {value}")


def check_betas(betas: Sequence[float | torch.Tensor]) -> None:
    """Refuse an average that forgets nothing, or less."""
    for i in range(2):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def _flat(groups):
    return list(chain.from_iterable(group["params"] for group in groups))


def _listed(group):
    """Put the group's parameters in a list, and their names, when they have any, in another."""
    params = group["params"]
    if isinstance(params, set):
        raise TypeError(UNORDERED)
    params = [params] if isinstance(params, torch.Tensor) else list(params)
    names = [p[0] for p in params if isinstance(p, tuple)]
    if names and len(names) != len(params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    group["params"] = [p[1] if isinstance(p, tuple) else p for p in params]
    if names:
        group["param_names"] = names
    return group


def _like(p, state):
    """The state of a parameter, cast to its dtype and device; `step` is a count and stays as it was."""
    return {key: value if key == "step" else _cast(value, p) for key, value in state.items()}


def _cast(value, p):
    if isinstance(value, list):
        return [_cast(v, p) for v in value]
    if not isinstance(value, torch.Tensor):
        return value
    return value.to(dtype=p.dtype if p.is_floating_point() else None, device=p.device)


# ── native ──────────────────────────────────────────────────────────────────────────────────────

LADDER = Ladder(
    optimizer_manual,
    Absent("a raw step is handed its leaves and loops over them itself"),
    Optimizer,
    torch.optim.Optimizer,
)
