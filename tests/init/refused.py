"""What an initialization is to refuse, or to warn of."""

import torch

VECTOR = {"a vector": lambda f: f(torch.empty(2))}

OWN = {
    "calculate_gain": {
        "an unknown nonlinearity": lambda f: f("mish"),
        "a truth for a slope": lambda f: f("leaky_relu", True),
        "a word for a slope": lambda f: f("leaky_relu", "steep"),
    },
    "uniform": {"bounds in the wrong order": lambda f: f(torch.empty(1), 1.0, 0.0)},
    "normal": {"a negative deviation": lambda f: f(torch.empty(1), 0.0, -1.0)},
    "constant": {"a word": lambda f: f(torch.empty(1), "one")},
    "eye": VECTOR,
    "dirac": {"a matrix": lambda f: f(torch.empty(2, 2)), "no multiple": lambda f: f(torch.empty(3, 2, 2), 2)},
    "sparse": {"a vector": lambda f: f(torch.empty(2), 0.5)},
    "orthogonal": VECTOR,
    "xavier_uniform": VECTOR,
    "xavier_normal": VECTOR,
    "kaiming_uniform": {
        **VECTOR,
        "nothing": lambda f: f(torch.empty(0, 2)),
        "another mode": lambda f: f(torch.empty(2, 2), mode="fan_avg"),
        "another nonlinearity": lambda f: f(torch.empty(2, 2), nonlinearity="mish"),
    },
    "kaiming_normal": {**VECTOR, "nothing": lambda f: f(torch.empty(0, 2))},
    "trunc_normal": {
        "a mean far outside": lambda f: f(torch.empty(1), 5.0),
        "bounds in the wrong order, of nothing": lambda f: f(torch.empty(0), a=1.0, b=0.0),
    },
}


REQUIRED = {"constant": (1.0,), "sparse": (0.5,)}  # options that have no default


def of(name):
    """What an initialization is to refuse: what each does, and what it does alone."""
    required = REQUIRED.get(name, ())
    return {"a tensor of inference mode": lambda f: f(inference_tensor(name), *required)} | OWN.get(name, {})


def inference_tensor(name):
    """What nobody may write into, of a shape that the initialization fills."""
    with torch.inference_mode():
        return torch.zeros((2, 2, 2) if name == "dirac" else (2, 2))
