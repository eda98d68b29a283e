"""The losses: of each how its problems are drawn, and what is refused."""

from tests.families import Family
from tests.losses import problems, refused
from tests.nn import problems as shared
from tests.nn.layers import Layer

ON_CPU = {"bits": "CUDA's kernels are others"}


def loss(name, draw, **asks):
    return Layer(draw=draw, refused=refused.EVERY | refused.BY[f"losses.{name}"], on_cpu=ON_CPU, asks=asks)


ENTRIES = {
    "losses.mse": loss("mse", shared.mse),
    "losses.l1": loss("l1", problems.l1),
    "losses.smooth_l1": loss("smooth_l1", problems.smooth_l1),
    "losses.huber": loss("huber", problems.huber),
    "losses.binary_cross_entropy": loss(
        "binary_cross_entropy",
        problems.binary_cross_entropy,
        # where it is cut off its derivative is a convention, and near the target the step has no digits left
        adjoint={"certain": False, "near": False},
    ),
    "losses.binary_cross_entropy_with_logits": loss(
        "binary_cross_entropy_with_logits", problems.binary_cross_entropy_with_logits
    ),
    "losses.kl_div": loss("kl_div", problems.kl_div, adjoint={"certain": False}),
    "losses.nll": loss(
        "nll",
        problems.nll,
        # native's backward refuses images whose channels come last in memory: a law of its own
        **{law: {"contiguous": True} for law in ("agreement", "bits", "needs", "adjoint")},
    ),
    "losses.cross_entropy": loss(
        "cross_entropy",
        shared.cross_entropy,
        adjoint={"kinds": ("probabilities", "classes")},
        bits={"kinds": ("classes",)},  # of probabilities native has other operations: a law of its own
    ),
}
FAMILY = Family(
    name="losses",
    entries=ENTRIES,
    judged_by={"losses.loss": "test_families.test_rungs_leave_the_same_trace"},
)
