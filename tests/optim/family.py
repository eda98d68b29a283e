"""The optimizers: of each the options that are drawn, what any number of steps may leave behind, and what is refused.

To add one: its file in impls/optim, an entry here, and its bugs in bugs.py.
"""

import numpy as np
import torch
from hypothesis import strategies as st

from impls.since import TORCH
from tests.families import Family
from tests.optim import door, lbfgs_door, matrix_problems, refused
from tests.optim.lbfgs_problems import LBFGS
from tests.optim.matrix_problems import RATIOS, Orthogonal
from tests.optim.problems import COUNTS, EMPTY, LRS, SCALAR, Optimizer, given_or_default
from tests.optim.refused import TENSORS

# The last whole numbers of bfloat16, float16 and float32, of a 16-bit float's range, and those just beyond; a count of
# 2^24 itself stays where it is in torch's float32.
COUNT = st.sampled_from([1, 2, 10, 256, 257, 2048, 2049, 9999, 65504, 65505, 2**24 - 2])
DECAY = st.sampled_from([0.0, 0.01, 0.0, 0.37])  # times no drawn weight a drawn gradient, which it would cancel
MAXIMIZE = st.sampled_from([False, True, False])
BETAS = st.tuples(st.sampled_from([0.9, 0.5, 0.0, 0.3]), st.sampled_from([0.999, 0.5, 0.9]))
EPS = st.sampled_from([1e-8, 1e-3, 0.1, 0.5])  # an eps of 1e-8 hides where it is added


def options(**own):
    """Every option of an algorithm, independently of each other but for eps."""
    return given_or_default(st.fixed_dictionaries({**own, "maximize": MAXIMIZE}).map(_bounded_below))


def _bounded_below(options):
    """A decay may cancel a gradient: over a moment that may be zero, an eps of 1e-8 leaves no bound."""
    coupled = options.get("weight_decay") and not options.get("decoupled_weight_decay")
    return options | {"eps": max(options["eps"], 1e-3)} if coupled and "eps" in options else options


FORMS = st.sampled_from(["plain", "momentum", "nesterov", "nesterov"])
MOMENTUM, DAMPENING = st.sampled_from([0.5, 0.9]), st.sampled_from([0.0, 0.1, 0.5])


@st.composite
def sgd(draw):
    form = draw(FORMS)
    return {
        "nesterov": form == "nesterov",
        "momentum": 0.0 if form == "plain" else draw(MOMENTUM),
        "dampening": 0.0 if form == "nesterov" else draw(DAMPENING),
        "weight_decay": draw(DECAY),
        "maximize": draw(MAXIMIZE),
    }


@st.composite
def adafactor(draw):
    return {
        "beta2_decay": draw(st.sampled_from([-0.8, -0.3, -1.0, 0.0])),
        "eps": (draw(st.sampled_from([None, 1e-3, 0.1, 0.5])), draw(st.sampled_from([1e-3, 0.5, 2.0]))),
        "d": draw(st.sampled_from([1.0, 1.5, 3.0])),
        "weight_decay": draw(DECAY),
        "maximize": draw(st.booleans()),
    }


# ── what any number of steps may have left ──


def _sgd_state(tensor, settings):
    return st.fixed_dictionaries({"momentum_buffer": tensor} if settings.get("momentum") else {})


def _adam_state(tensor, settings):
    state = {"step": COUNT, "exp_avg": tensor, "exp_avg_sq": tensor.map(abs)}
    return st.fixed_dictionaries(state | ({"max_exp_avg_sq": tensor.map(abs)} if settings.get("amsgrad") else {}))


def _counted(**kinds):
    """A count, and tensors: "signed", or "positive"."""
    return lambda tensor, _settings: st.fixed_dictionaries(
        {"step": COUNT, **{name: tensor if kind == "signed" else tensor.map(abs) for name, kind in kinds.items()}}
    )


@st.composite
def _rmsprop_state(draw, tensor, settings):
    """The mean of the squares is well above the square of the mean: how near it may come, the bound cannot say."""
    mean = draw(tensor)
    state = {"step": draw(COUNT), "square_avg": 4 * mean * mean + abs(draw(tensor))}
    state |= {"momentum_buffer": draw(tensor)} if settings.get("momentum") else {}
    return state | ({"grad_avg": mean} if settings.get("centered") else {})


def _number(tensor, values):
    """A number of the state, in the format of the parameter, as it is once it has been loaded."""
    return st.builds(lambda like, value: like.dtype.type(np.float32(value)), tensor, values)


def _nadam_state(tensor, _settings):
    product = _number(tensor, st.sampled_from([0.5, 0.25, 0.1, 0.0]))
    return st.fixed_dictionaries(
        {"step": COUNT, "mu_product": product, "exp_avg": tensor, "exp_avg_sq": tensor.map(abs)}
    )


def _asgd_state(tensor, _settings):
    numbers = {"eta": _number(tensor, LRS), "mu": _number(tensor, st.sampled_from([1.0, 0.5, 0.1]))}
    return st.fixed_dictionaries({"step": COUNT, **numbers, "ax": tensor})


def _adafactor_state(tensor, _settings):
    """Mean squares of rows and columns, or of each element."""
    return st.builds(_mean_squares, tensor, COUNT)


def _mean_squares(like, step):
    square = like * like
    if like.ndim < 2:
        return {"step": step, "variance": square}
    return {"step": step, "row_var": square.mean(-1, keepdims=True), "col_var": square.mean(-2, keepdims=True)}


# ── the table ──


def optimizer(native, options, state, taken=TENSORS[:1], **known):
    """An optimizer that looks at elements; `taken` are the bad options that native takes all the same."""
    return Optimizer(settings=options, state=state, refused=refused.of(native, *taken), door=door, **known)


NO_COUNT = dict.fromkeys(COUNTS, "it counts no steps")

ENTRIES = {
    "optim.sgd": optimizer(
        torch.optim.SGD,
        given_or_default(sgd()),
        _sgd_state,
        taken=("lr that is no number", *TENSORS),
        lacks=NO_COUNT,
    ),
    "optim.adam": optimizer(
        torch.optim.Adam,
        options(betas=BETAS, eps=EPS, weight_decay=DECAY, amsgrad=st.booleans(), decoupled_weight_decay=st.booleans()),
        _adam_state,
        taken=(),
    ),
    "optim.adamw": optimizer(
        torch.optim.AdamW,
        options(betas=BETAS, eps=EPS, weight_decay=DECAY, amsgrad=st.booleans()),
        _adam_state,
        taken=(),
    ),
    "optim.rmsprop": optimizer(
        torch.optim.RMSprop,
        options(
            alpha=st.sampled_from([0.99, 0.5, 0.9]),
            eps=EPS,
            weight_decay=DECAY,
            momentum=st.sampled_from([0.0, 0.5, 0.9]),
            centered=st.booleans(),
        ),
        _rmsprop_state,
    ),
    "optim.adagrad": optimizer(
        torch.optim.Adagrad,
        options(lr_decay=st.sampled_from([0.0, 0.1, 1.0]), weight_decay=DECAY, eps=EPS),
        _counted(sum="positive"),
        constructed={"initial_accumulator_value": st.sampled_from([0.0, 0.5, 2.0])},
    ),
    "optim.adadelta": optimizer(
        torch.optim.Adadelta,
        options(rho=st.sampled_from([0.9, 0.5, 0.0, 1.0]), eps=EPS, weight_decay=DECAY),
        _counted(square_avg="positive", acc_delta="positive"),
    ),
    "optim.adamax": optimizer(
        torch.optim.Adamax,
        options(betas=BETAS, eps=EPS, weight_decay=DECAY),
        _counted(exp_avg="signed", exp_inf="positive"),
        TENSORS,
    ),
    "optim.nadam": optimizer(
        torch.optim.NAdam,
        options(
            betas=BETAS,
            eps=EPS,
            weight_decay=DECAY,
            momentum_decay=st.sampled_from([4e-3, 0.0, 1.0]),
            decoupled_weight_decay=st.booleans(),
        ),
        _nadam_state,
        TENSORS,
    ),
    "optim.radam": optimizer(
        torch.optim.RAdam,
        options(betas=BETAS, eps=EPS, weight_decay=DECAY, decoupled_weight_decay=st.booleans()),
        _counted(exp_avg="signed", exp_avg_sq="positive"),
        TENSORS,
    ),
    "optim.asgd": optimizer(
        torch.optim.ASGD,
        options(
            lambd=st.sampled_from([1e-4, 0.1, 0.5]),
            alpha=st.sampled_from([0.75, 1.0, 0.5]),
            t0=st.sampled_from([1e6, 0, 1, 2]),
            weight_decay=DECAY,
        ),
        _asgd_state,
        TENSORS if TORCH >= (2, 15) else ("alpha below 0", "lambd below 0", *TENSORS),
    ),
    "optim.rprop": optimizer(
        torch.optim.Rprop,
        options(
            etas=st.sampled_from([(0.5, 1.2), (0.3, 2.0)]),
            step_sizes=st.sampled_from([(1e-6, 50), (0.05, 0.5), (0.0, 1.0)]),
        ),
        _counted(prev="signed", step_size="positive"),
    ),
    "optim.adafactor": Optimizer(
        settings=given_or_default(adafactor()),
        state=_adafactor_state,
        sizes=matrix_problems.SIZES,
        gradient=matrix_problems.gradients,
        refused=refused.ADAFACTOR,
        lacks={EMPTY: "of no elements there is no mean"},
        door=door,
    ),
    "optim.muon": Orthogonal(
        settings=st.fixed_dictionaries(
            {
                "momentum": st.sampled_from([0.5, 0.0]),
                "nesterov": st.booleans(),
                "weight_decay": DECAY,
                "adjust_lr_fn": st.sampled_from(RATIOS),
            }
        ),
        state=_sgd_state,
        refused=refused.MUON,
        lacks=NO_COUNT
        | dict.fromkeys((SCALAR, EMPTY), "it takes matrices alone")
        | {"a gradient that is expanded": "its matrices have rows of their own"}
        | {"a parameter that requires no gradient": "each has multiples of one matrix for gradients"},
        asks={"bits": {"any": True}},
        door=door,
    ),
    "optim.lbfgs": LBFGS(
        refused=refused.LBFGS,
        asks={"bits": {"any": True}},
        on_cpu={"agreement": "the closure is NumPy's", "bits": "custom runs torch's operations on one thread"},
        door=lbfgs_door,
    ),
}
FAMILY = Family(
    name="optim",
    entries=ENTRIES,
    judged_by={"optim.optimizer": "test_optim.test_custom_and_native_live_through_the_same_lives"},
)
