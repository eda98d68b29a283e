"""What clipping and averages are to refuse, or to warn of."""

import torch


def parameter(*gradient):
    p = torch.zeros(len(gradient), requires_grad=True)
    p.grad = torch.tensor(gradient)
    return p


def not_finite(value, norm_type):
    return lambda clip: clip([parameter(value)], 1.0, norm_type, error_if_nonfinite=True)


VALUES, NORMS = ("nan", "inf"), (2.0, 1, "inf")
REFUSED = {
    "clip_grad_norm": {
        **{f"{v} in a norm of {n}": not_finite(float(v), n) for v in VALUES for n in NORMS},
        "the largest of no elements": lambda clip: clip([parameter()], 1.0, float("inf"), foreach=False),
        "the smallest of no elements": lambda clip: clip([parameter()], 1.0, -float("inf"), foreach=False),
        "an empty generator": lambda clip: clip((p for p in ()), 1.0),
        "a norm that is no number": lambda clip: clip([parameter(1.0)], 1.0, "largest"),
    },
    "ema": {"a decay below 0": lambda f: f(-0.1), "a decay above 1": lambda f: f(1.1)},
    "averaged_model": {
        "two averages at once": lambda cls: cls(torch.nn.Linear(3, 2), avg_fn=max, multi_avg_fn=max),
    },
}
