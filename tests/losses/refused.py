"""What a loss is to refuse."""

import torch

from impls.since import TORCH


def logits_of(*shape):
    return torch.zeros(shape, requires_grad=True)


def classes_of(*values):
    return torch.tensor(values)


EVERY = {
    "another reduction": lambda cls: cls(reduction="average")(logits_of(2, 3), logits_of(2, 3)),
    "no reduction": lambda cls: cls(reduction=None)(logits_of(2, 3), logits_of(2, 3)),
    "no target": lambda cls: cls()(logits_of(2, 3)),
    "size_average, of before": lambda cls: cls(size_average=True),
    "reduce, of before": lambda cls: cls(reduce=False),
    "both, of before": lambda cls: cls(size_average=False, reduce=True, reduction="none"),
}
OTHER_SHAPES = {
    "a column and a row": lambda cls: cls()(logits_of(3, 1), logits_of(3)),
    "a scalar": lambda cls: cls()(logits_of(3), logits_of()),
    "what cannot be broadcast": lambda cls: cls()(logits_of(3), logits_of(2)),
    "a number": lambda cls: cls()(logits_of(2), 1.0),
}
BY = {
    "losses.mse": OTHER_SHAPES,
    "losses.l1": OTHER_SHAPES,
    "losses.smooth_l1": OTHER_SHAPES
    | {
        "a negative beta": lambda cls: cls(beta=-1.0)(logits_of(2), logits_of(2)),
        "beta a word": lambda cls: cls(beta="half")(logits_of(2), logits_of(2)),
        "other shapes and no cut": lambda cls: cls(beta=0.0)(logits_of(2), logits_of(1)),
    },
    "losses.huber": OTHER_SHAPES
    | {
        "no delta": lambda cls: cls(delta=0)(logits_of(2), logits_of(2)),
        "a negative delta": lambda cls: cls(delta=-0.5)(logits_of(2), logits_of(2)),
        **({"delta a word": lambda cls: cls(delta="half")} if TORCH >= (2, 13) else {}),
    },
    "losses.binary_cross_entropy": OTHER_SHAPES
    | {
        "p above 1": lambda cls: cls()(logits_of(2) + 1.5, torch.ones(2)),
        "p below 0": lambda cls: cls()(logits_of(2) - 0.5, torch.ones(2)),
        "p unknown": lambda cls: cls()(logits_of(2) * torch.nan, torch.ones(2)),
        "a weight of another length": lambda cls: cls(torch.ones(3))(logits_of(2), torch.ones(2)),
        "a target of another dtype": lambda cls: cls()(logits_of(2), torch.ones(2).double()),
        "a target of classes": lambda cls: cls()(logits_of(2), classes_of(0, 1)),
        "a weight that is a list": lambda cls: cls(weight=[1.0]),
    },
    "losses.binary_cross_entropy_with_logits": OTHER_SHAPES
    | {
        "a weight of another length": lambda cls: cls(torch.ones(3))(logits_of(2), torch.ones(2)),
        "a pos_weight of another length": lambda cls: cls(pos_weight=torch.ones(3))(logits_of(2), torch.ones(2)),
        "a weight that is a list": lambda cls: cls(weight=[1.0]),
        "a pos_weight that is a list": lambda cls: cls(pos_weight=[1.0]),
    },
    "losses.kl_div": {
        "a mean that is none": lambda cls: cls()(logits_of(2, 3), logits_of(2, 3)),
        "what cannot be broadcast": lambda cls: cls(reduction="sum")(logits_of(3), logits_of(2)),
        "integers": lambda cls: cls(reduction="sum")(torch.ones(2).long(), logits_of(2)),
        "a target of truths": lambda cls: cls(reduction="sum")(logits_of(2), torch.ones(2).bool()),
        "complex numbers": lambda cls: cls(reduction="sum")(torch.ones(2) * 1j, torch.ones(2).long()),
    },
    "losses.nll": {
        "an argument nobody has": lambda cls: cls(label_smoothing=0.1),
        "a class too many": lambda cls: cls()(logits_of(2, 3), classes_of(0, 3)),
        "a class below 0": lambda cls: cls()(logits_of(2, 3), classes_of(-1, 0)),
        "-100, where it is not ignored": lambda cls: cls(ignore_index=0)(logits_of(2, 3), classes_of(0, -100)),
        "another number of rows": lambda cls: cls()(logits_of(2, 3), classes_of(0)),
        "a column of classes": lambda cls: cls()(logits_of(2, 3), classes_of([0], [1])),
        "classes as floats": lambda cls: cls()(logits_of(2, 3), torch.zeros(2)),
        "classes as int32": lambda cls: cls()(logits_of(2, 3), torch.zeros(2, dtype=torch.int32)),
        "a weight of another length": lambda cls: cls(weight=torch.ones(2))(logits_of(2, 3), classes_of(0, 1)),
        "a weight that is a list": lambda cls: cls(weight=[1.0, 1.0, 1.0]),
        "a number for logarithms": lambda cls: cls()(torch.tensor(1.0), torch.tensor(0)),
    },
    "losses.cross_entropy": {
        "an argument nobody has": lambda cls: cls(epsilon=0.1),
        "a class too many": lambda cls: cls()(logits_of(2, 3), classes_of(0, 3)),
        "a class below 0": lambda cls: cls()(logits_of(2, 3), classes_of(-1, 0)),
        "255, where it is not ignored": lambda cls: cls(reduction="none")(logits_of(2, 3), classes_of(0, 255)),
        "-100, where it is not ignored": lambda cls: cls(ignore_index=0)(logits_of(2, 3), classes_of(0, -100)),
        "a class too many, per pixel": lambda cls: cls()(logits_of(1, 3, 2), classes_of([0, 3])),
        "a class too many, unbatched": lambda cls: cls()(logits_of(3), torch.tensor(3)),
        "another number of rows": lambda cls: cls()(logits_of(2, 3), classes_of(0)),
        "a column of classes": lambda cls: cls()(logits_of(2, 3), classes_of([0], [1])),
        "classes as floats": lambda cls: cls()(logits_of(2, 3), torch.zeros(2)),
        "classes as int32": lambda cls: cls()(logits_of(2, 3), torch.zeros(2, dtype=torch.int32)),
        "probabilities as integers": lambda cls: cls()(logits_of(2, 3), torch.ones(2, 3, dtype=torch.int64)),
        "probabilities and an ignored class": lambda cls: cls(ignore_index=1)(logits_of(2, 3), torch.ones(2, 3)),
        "probabilities of other classes": lambda cls: cls()(logits_of(2, 3), torch.ones(2, 2)),
        "a weight of another length": lambda cls: cls(weight=torch.ones(2))(logits_of(2, 3), classes_of(0, 1)),
        "a weight of another length, of probabilities": lambda cls: cls(weight=torch.ones(2))(
            logits_of(2, 3), torch.ones(2, 3)
        ),
        "a weight of another dtype": lambda cls: cls(weight=torch.ones(3).double())(logits_of(2, 3), classes_of(0, 1)),
        "a weight that is a list": lambda cls: cls(weight=[1.0, 1.0, 1.0]),
        "smoothing above 1": lambda cls: cls(label_smoothing=1.5)(logits_of(2, 3), classes_of(0, 1)),
        "one row for none, smoothed": lambda cls: cls(torch.ones(3), label_smoothing=0.1)(logits_of(3), classes_of(0)),
        "bytes, smoothed": lambda cls: cls(torch.ones(3), label_smoothing=0.1)(logits_of(1, 3), classes_of(0).byte()),
        "smoothing above 1, of probabilities": lambda cls: cls(label_smoothing=1.5)(logits_of(2, 3), torch.ones(2, 3)),
        "a number for logits": lambda cls: cls()(torch.tensor(1.0), torch.tensor(0)),
        "integer logits": lambda cls: cls()(torch.ones(2, 3, dtype=torch.int64), classes_of(0, 1)),
    },
}
