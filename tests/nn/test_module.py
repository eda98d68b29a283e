"""What a module is besides a tree: it is called through hooks, converted, saved with more than tensors, and held in
lists and dictionaries; custom does all of it as native does."""

import copy
from collections import OrderedDict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.cells import DROP_IN, LADDERS, cells, torch_bug
from tests.engine import assert_same
from tests.families import assert_refused_alike
from tests.nn.trace import outcome, told, tree

NOTHING_COMPUTED = "it computes nothing"


def of(rung, concept):
    return getattr(LADDERS[f"nn.{concept}"], rung)


# ── containers ──────────────────────────────────────────────────────────────────────────────────

INDEX = st.integers(-3, 4)
SLICE = st.builds(slice, st.none() | INDEX, st.none() | INDEX, st.sampled_from([None, 1, 2, -1]))
KEY = st.sampled_from(["b", "a", "c", "keys", "0", 1])


def layer(rung, n):
    return of(rung, "dropout")(n % 3 / 4)


def leaf(rung, n):  # noqa: ARG001  # a tensor is the same on either rung
    return torch.full((n % 3 + 1,), float(n))


def anything(rung, n):
    return [leaf(rung, n), of(rung, "parameter")(leaf(rung, n)), n, None][n % 4]


def list_acts(value):
    """What changes a list: each act takes the rung, a container, a place and a number."""
    return {
        "set": lambda rung, c, at, n: c.__setitem__(at, value(rung, n)),
        "assign nothing": lambda rung, c, at, n: setattr(c, str(at), None),
        "append": lambda rung, c, at, n: c.append(value(rung, n)) and None,
        "extend": lambda rung, c, at, n: c.extend([value(rung, n), value(rung, n)]) and None,
        "add in place": lambda rung, c, at, n: c.__iadd__([value(rung, n + 1)]) and None,
    }


def dict_acts(value):
    """What changes a dictionary."""
    return {
        "set": lambda rung, c, at, n: c.__setitem__(at, value(rung, n)),
        "assign nothing": lambda rung, c, at, n: setattr(c, str(at), None),
        "delete": lambda rung, c, at, n: c.__delitem__(at),
        "pop": lambda rung, c, at, n: c.pop(at),
        "update": lambda rung, c, at, n: c.update({"z": value(rung, n), "b": value(rung, n + 1)}),
        "update in order": lambda rung, c, at, n: c.update(OrderedDict(z=value(rung, n), a=value(rung, n))),
        "update by pairs": lambda rung, c, at, n: c.update([("c", value(rung, n)), ("b", value(rung, n))]),
        "update by its kind": lambda rung, c, at, n: c.update(type(c)([("x", value(rung, n)), ("d", value(rung, n))])),
        "clear": lambda rung, c, at, n: c.clear(),
    }


ACTS = {
    "nn.module_list": list_acts(layer)
    | {
        "insert": lambda rung, c, at, n: c.insert(at, layer(rung, n)),
        "delete": lambda rung, c, at, n: c.__delitem__(at),
        "pop": lambda rung, c, at, n: c.pop(at),
    },
    "nn.parameter_list": list_acts(anything),
    "nn.module_dict": dict_acts(layer),
    "nn.parameter_dict": dict_acts(anything)
    | {
        "setdefault": lambda rung, c, at, n: [c.setdefault(at, anything(rung, m)) for m in (n, n + 1)],
        "popitem": lambda rung, c, at, n: c.popitem(),
        "or in place": lambda rung, c, at, n: c.__ior__({"q": leaf(rung, n), "p": leaf(rung, n)}) and None,
    },
}
PLACES = {"list": INDEX | SLICE, "dict": KEY}


@cells(*ACTS, rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
@given(data=st.data())
def test_custom_and_native_containers_live_through_the_same_lives(cell, data):
    """Whatever is put in, taken out and refused, a custom container tells of itself what native does."""
    acts, kind = ACTS[cell.concept], cell.concept.rpartition("_")[2]
    made = data.draw(st.lists(st.integers(0, 9), min_size=2, max_size=4), label="made of")
    value = layer if "module" in cell.concept else anything
    pair = []
    for rung in DROP_IN:
        members = [value(rung, n) for n in made]
        plain = dict(zip("cabd", members, strict=False)) if kind == "dict" else members
        pair.append(getattr(cell.ladder, rung)(plain or None))
    names = st.sampled_from(sorted(acts))
    for name, at, n in data.draw(st.lists(st.tuples(names, PLACES[kind], st.integers(0, 9)), min_size=4, max_size=8)):
        assert_same(*(outcome(lambda: acts[name](r, c, at, n)) for r, c in zip(DROP_IN, pair, strict=True)), name)
        assert_same(*({k: outcome(lambda: look(c)) for k, look in LOOKS[kind].items()} for c in pair), f"after {name}")


LOOKS = {
    "list": {
        "members": list,
        "each": lambda c: [outcome(lambda i=i: c[i]) for i in range(-4, 5)],
        "slice": lambda c: [repr(c[1:]), [name for name, _ in c[1:].named_modules()]],
        "every other, from the end": lambda c: list(c[::-2]),
        "sum": lambda c: list(c + list(c)[:1]),
        "names": lambda c: sorted({n for n in dir(c) if n[0] != "_"} - {*dir(type(c))}),
        "it": tree,  # after what must not have changed it
    },
    "dict": {
        "keys": list,
        "views": lambda c: [list(c.keys()), list(c.values()), list(c.items())],
        "each": lambda c: [[outcome(lambda k=k: c[k]), k in c] for k in ("a", "b", "keys", "", 1)],
        "gotten": lambda c: [c.get("a"), c.get("a", 5), c.get("b", 5)],
        "copy": lambda c: [repr(c.copy()), list(c.copy().items())],
        "from keys": lambda c: list(c.fromkeys(["b", "a"], 1).items()),
        "reversed": lambda c: list(reversed(c)),
        "or": lambda c: list((c | type(c)({"q": torch.ones(1), "a": torch.zeros(1)})).items()),
        "or in front": lambda c: list(type(c)({"q": torch.ones(1)}).__ror__(c).items()),
        "names": lambda c: sorted({n for n in dir(c) if n[0] != "_"} - {*dir(type(c))}),
        "it": tree,
    },
}


REFUSED = {
    "nn.module_list": {
        "called": lambda cls: cls()(torch.ones(1)),
        "a class set": lambda cls: cls([cls()]).__setitem__(0, object),
        "extended by a number": lambda cls: cls().extend(1),
        "extended by a number in place": lambda cls: cls().__iadd__(1),
        "made of a number": lambda cls: cls(1),
        "made of a word": lambda cls: cls("ab"),
        "a tensor appended": lambda cls: cls().append(torch.ones(1)),
        "a class added": lambda cls: cls() + [object],  # noqa: RUF005
        "popping nothing": lambda cls: cls().pop(0),
        "a word for an index": lambda cls: cls()["0"],
    },
    "nn.parameter_list": {
        "called": lambda cls: cls()(torch.ones(1)),
        "extended by a number": lambda cls: cls().extend(1),
        "extended by a tensor": lambda cls: cls().extend(torch.ones(2)),
        "made of a tensor": lambda cls: cls(torch.ones(2)),
        "past the end": lambda cls: cls()[0],
        "set past the end": lambda cls: cls().__setitem__(0, torch.ones(1)),
        "a word for an index": lambda cls: cls()["0"],
        "a number for a parameter": lambda cls: cls([torch.ones(1)]).__setitem__(0, 1),
        "an element deleted": lambda cls: cls([torch.ones(1)]).__delitem__(0),
    },
    "nn.module_dict": {
        "called": lambda cls: cls()(torch.ones(1)),
        "updated by a number": lambda cls: cls().update(1),
        "updated by numbers": lambda cls: cls().update([1]),
        "updated by triples": lambda cls: cls().update([("a", 1, 1)]),
        "a class set": lambda cls: cls().__setitem__("a", object),
        "a method's name": lambda cls: cls().__setitem__("keys", cls()),
        "a number for a key": lambda cls: cls().__setitem__(1, cls()),
        "a key that is not there": lambda cls: cls()["a"],
        "popping what is not there": lambda cls: cls().pop("a"),
        "deleting what is not there": lambda cls: cls().__delitem__("a"),
        "made of a module": lambda cls: cls(torch.nn.Identity()),
    },
    "nn.parameter_dict": {
        "called": lambda cls: cls()(torch.ones(1)),
        "called with two": lambda cls: cls()(torch.ones(1), 1),
        "updated by a number": lambda cls: cls().update(1),
        "updated by numbers": lambda cls: cls().update([1]),
        "updated by triples": lambda cls: cls().update([("a", 1, 1)]),
        "a number for a key": lambda cls: cls().__setitem__(1, torch.ones(1)),
        "a number looked up": lambda cls: cls()[1],
        "a key that is not there": lambda cls: cls()["a"],
        "popping what is not there": lambda cls: cls().pop("a"),
        "the last of nothing": lambda cls: cls().popitem(),
        "deleting what is not there": lambda cls: cls().__delitem__("a"),
        "a number for a parameter": lambda cls: cls({"a": torch.ones(1)}).__setitem__("a", 1),
        "another kind in or": lambda cls: cls() | 1,
    },
}


@cells(*REFUSED, rungs=DROP_IN, dtypes=None, cpu_because="refusals are words")
def test_custom_refuses_what_native_refuses_in_its_words(cell):
    """Bad input raises with native's class and native's words."""
    assert_refused_alike(cell, REFUSED[cell.concept])


@torch_bug("ParameterDict sorts the keys of a plain dictionary (cf. pytorch#40905)")
@cells("nn.parameter_dict", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
def test_a_dictionary_of_parameters_keeps_the_order_of_a_plain_one(cell):
    """The order of a plain dictionary is the order of the parameters."""
    for cls in cell.ladder[2:]:
        assert list(cls({"b": torch.ones(1), "a": torch.ones(1)})) == ["b", "a"]


@torch_bug("append counts, and a slice keeps its keys (cf. pytorch#77067)")
@cells("nn.sequential", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
def test_what_is_appended_to_a_slice_of_a_chain_overwrites_nothing(cell):
    """A chain is longer by one after append."""
    for rung in DROP_IN:
        chain = getattr(cell.ladder, rung)(*[layer(rung, n) for n in range(3)])[1:]
        assert len(chain.append(layer(rung, 0))) == 3


# ── hooks ───────────────────────────────────────────────────────────────────────────────────────

BACKWARD = ("full_backward_pre", "full_backward")
ALONE = [("forward",), ("forward_pre",), BACKWARD, BACKWARD[:1], BACKWARD[1:]]
KINDS = st.sampled_from([*ALONE, ("forward", "forward_pre", *BACKWARD)])
DOES = st.sampled_from(["looks", "changes", "wraps", "looks", "wraps", "fails"])  # only a pre-hook's result is wrapped


def hook(log, name, kind, does, with_kwargs):
    """A hook that writes down what it is shown, and at times returns something else."""

    def seen_by(_, *shown):
        log.append([name, told([list(s) if isinstance(s, tuple) else s for s in shown])])
        if does == "fails":
            raise ValueError(name)
        if does == "looks":
            return None
        if kind == "forward_pre":
            args = tuple(a * 2 for a in shown[0])
            changed = (args, {"shift": 3.0}) if with_kwargs else args
            return changed if does == "changes" else args[0]
        if kind == "forward":
            return shown[-1] * 2
        return tuple(None if g is None else g * 2 for g in shown[0])

    return seen_by


def forward(_, x, shift=0.0):
    if shift == 7:
        raise ValueError("forward")
    return x * 3 + shift


@cells("nn.module", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
@given(data=st.data())
def test_custom_and_native_call_their_hooks_alike(cell, data):
    """Hooks of a module and of all are shown the same, in the same order, and what they return counts the same."""
    flags, kinds = st.booleans(), st.sampled_from(data.draw(KINDS, label="kinds"))
    plan = data.draw(
        st.lists(st.tuples(kinds, DOES, flags, flags, flags, st.integers(0, 3).map(lambda n: n == 0)), max_size=5)
    )
    removed, shift = data.draw(st.integers(0, 5)), data.draw(st.sampled_from([0.0, 7, 1.0, 2.0]))
    found = []
    homes = (hooks_of(cell.ladder.custom), vars(torch.nn.modules.module))
    for cls, home in zip(cell.ladder[2:], homes, strict=True):
        log, handles = [], []
        module = type("Net", (cls,), {"forward": forward})()
        for i, (kind, does, prepend, with_kwargs, always_call, everywhere) in enumerate(plan):
            settings = {"prepend": prepend} if not everywhere else {}
            if kind == "forward" or (kind == "forward_pre" and not everywhere):
                settings["with_kwargs"] = with_kwargs
            if kind == "forward":
                settings["always_call"] = always_call
            register = home[f"register_module_{kind}_hook"] if everywhere else getattr(module, f"register_{kind}_hook")
            handles.append(register(hook(log, i, kind, does, settings.get("with_kwargs")), **settings))
        try:
            for handle in handles[removed : removed + 1]:
                handle.remove()
            x = torch.ones(2, requires_grad=True)

            def act():
                y = module(x, shift=shift)
                y.sum().backward()
                return [told(y), told(x.grad)]

            found.append([outcome(act), log])
        finally:
            for handle in handles:
                handle.remove()
    assert_same(*found, "custom hooks")


@pytest.mark.parametrize("fails", ["nothing", "pre-hook", "forward", "hook before", "hook itself", "hook after"])
@cells("nn.module", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
def test_a_hook_that_is_always_called_is_called_once(cell, fails):
    """Whatever fails it is called, with what there is by then, and not again where it has been; the error goes on."""
    does = lambda name: "fails" if name == fails else "looks"
    found = []
    for cls in cell.ladder[2:]:
        log, module = [], type("Net", (cls,), {"forward": forward})()
        module.register_forward_pre_hook(hook(log, "pre-hook", "forward_pre", does("pre-hook"), False))
        for name, always in (("hook before", False), ("hook itself", True), ("hook after", False)):
            see = hook(log, name, "forward", does(name), True)
            module.register_forward_hook(see, with_kwargs=True, always_call=always)
        found.append([outcome(lambda: module(torch.ones(2), shift=7 if fails == "forward" else 1.0)), log])
    assert_same(*found, "custom hooks")


def hooks_of(cls):
    """The file that a module class has its hooks from: a variant has its own."""
    return cls.__call__.__globals__


@cells("nn.module", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
@pytest.mark.parametrize("kind", ["parameter", "buffer", "module"])
def test_who_asks_is_told_of_all_that_is_registered(cell, kind):
    """A hook of all modules is shown each parameter, buffer or child as it comes, and may put another in its place."""
    found = []
    homes = (cell.ladder.custom.register_buffer.__globals__, vars(torch.nn.modules.module))
    for rung, cls, home in zip(DROP_IN, cell.ladder[2:], homes, strict=True):
        things = {"parameter": of(rung, "parameter"), "buffer": lambda t: t, "module": lambda _: cls()}
        other, root, shown = things[kind](torch.zeros(3)), cls(), []

        def see(module, name, thing):
            shown.append([module is root, name, thing is None])
            return other if name.startswith("replaced") else None

        handle = home[f"register_module_{kind}_registration_hook"](see)
        try:
            for part, make in things.items():
                register = getattr(root, f"register_{part}")
                register(part, None)
                setattr(root, part, make(torch.ones(2)))
                register(f"replaced_{part}", make(torch.ones(2)))
        finally:
            handle.remove()
        root.late = of(rung, "parameter")(torch.ones(2))
        found.append([shown, getattr(root, f"replaced_{kind}") is other, tree(root)])
    assert_same(*found, "custom")


# ── state ───────────────────────────────────────────────────────────────────────────────────────


def counted(cls):
    """A module whose state is a tensor, a number and two buffers."""
    body = {
        "get_extra_state": lambda self: {"count": self.count},
        "set_extra_state": lambda self, state: setattr(self, "count", state["count"]),
        "count": 0,
    }
    return type("Counted", (cls,), body)


@cells("nn.module", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
@given(data=st.data())
def test_custom_and_native_save_and_load_the_same_with_hooks_and_extra_state(cell, data):
    """Extra state is saved and loaded, missed and unexpected; hooks are told the same, and told strict=True."""
    kinds = st.sampled_from(["state_dict_pre", "state_dict_post", "load_state_dict_pre", "load_state_dict_post"])
    hooks = data.draw(st.lists(st.tuples(kinds, st.booleans(), st.booleans()), max_size=4), label="hooks")
    without, strict, assign = (data.draw(st.booleans(), label=label) for label in ("without", "strict", "assign"))
    found = []
    for rung, cls in zip(DROP_IN, cell.ladder[2:], strict=True):
        log, root = [], counted(cls)()
        root.count = 5
        root.child = counted(cls)()
        root.b = LADDERS["nn.buffer"].native(torch.ones(2), persistent=False)
        root.child.b = getattr(LADDERS["nn.buffer"], rung)(torch.ones(2))
        for kind, returns, below in hooks:
            see = lambda module, *shown, kind=kind, returns=returns: (
                log.append([kind, [repr(s) for s in shown]]) or (1 if returns else None)
            )
            getattr(root.child if below else root, f"register_{kind}_hook")(see)

        def act():
            state = root.state_dict()
            if without:
                del state["_extra_state"]
                state["child._extra_state"] = {"count": 9}
                state["x._extra_state"] = 1
            loaded = root.load_state_dict(state, strict=strict, assign=assign)
            return [repr(loaded), root.count, root.child.count, dict(state._metadata)]

        found.append([outcome(act), log, outcome(lambda: tree(copy.deepcopy(root)))])
    assert_same(*found, "custom state")


@cells("nn.buffer", rungs=DROP_IN, dtypes=None, cpu_because=NOTHING_COMPUTED)
@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("required", [True, False])
def test_a_buffer_is_a_plain_tensor_with_a_mark(cell, persistent, required):
    """A buffer is of no class of its own, is known on either rung, and shares the memory of what it is made of."""
    found = []
    for cls in cell.ladder[2:]:
        data = torch.ones(2, requires_grad=required)
        buffer = cls(data, persistent=persistent)
        assert [isinstance(buffer, kind) for kind in cell.ladder[2:]] == [True, True]
        assert not isinstance(buffer + 1, cls)
        found.append([repr(buffer), type(buffer).__name__, buffer.persistent, buffer.data_ptr() == data.data_ptr()])
    assert_same(*found, "custom buffer")


# ── conversion ──────────────────────────────────────────────────────────────────────────────────

CONVERSIONS = {
    "half": lambda m: m.half(),
    "bfloat16": lambda m: m.bfloat16().float(),
    "float": lambda m: m.float(),
    "double": lambda m: m.double(),
    "cpu": lambda m: m.cpu(),
    "type": lambda m: m.type(torch.float64),
    "to a type": lambda m: m.to(torch.float64),
    "to a device and a type": lambda m: m.to("cpu", torch.float16),
    "to a tensor's": lambda m: m.to(torch.ones(1, dtype=torch.float64)),
    "to integers": lambda m: m.to(torch.int64),
    "to complex": lambda m: m.to(torch.complex64),
    "to channels last": lambda m: m.to(memory_format=torch.channels_last),
    "to nowhere": lambda m: m.to("nowhere"),
    "to meta and back": lambda m: m.to("meta").to("cpu"),
    "to empty": lambda m: [p.shape for p in m.to("meta").to_empty(device="cpu").parameters()] and m.to("meta"),
    "shared": lambda m: m.share_memory(),
}


@pytest.mark.parametrize("conversion", sorted(CONVERSIONS))
@cells("nn.module", rungs=DROP_IN, dtypes=None, cpu_because="a card's own conversions are torch's")
def test_custom_and_native_convert_alike(cell, conversion):
    """Types, devices, gradients and what is refused are native's, and a parameter is the object it was."""
    found = []
    for rung, cls in zip(DROP_IN, cell.ladder[2:], strict=True):
        module = cls()
        module.w = of(rung, "parameter")(torch.arange(4.0).reshape(1, 2, 2, 1))
        module.w.grad = torch.ones(1, 2, 2, 1)
        module.register_buffer("n", torch.tensor(3))
        before = module.w
        result = outcome(lambda: CONVERSIONS[conversion](module) is module)
        tensors = [module.w, module.w.grad, module.n]
        found.append(
            [result, module.w is before, *[[str(t.dtype), str(t.device), t.stride(), t.is_leaf] for t in tensors]]
        )
    assert_same(*found, "custom conversion")
