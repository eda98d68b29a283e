"""python -m tests.subjects [--seeds N] [ROLE ...]: judge what is right, and see that no law finds fault with it.

Each run judges one implementation of a role under one seed, by all laws that the role has.  Right are torch's own class
of every role and what stands in samples/right.py and samples/textbook.py.
"""

import argparse
import json
import pathlib
import sys
import time

from tests import subjects
from tests.cells import LADDERS
from tests.engine.verdict import versions
from tests.planted import again, arguments_of, laws, prepare
from tests.subjects.plugin import about_any_rung, load_profile, named

RESULTS = pathlib.Path(__file__).parents[2] / "results" / "false-alarms.json"
SAMPLES = pathlib.Path(__file__).parent / "samples"
EXAMPLES = 10  # of each law in each cell: it is many seeds that are wanted

RIGHT = {  # by file and role, beside torch's own classes
    "right": {
        "optim.sgd": ["SGD", "OneLineSGD", "functional_sgd"],
        "optim.adam": ["TextbookAdam", "ExactAdam"],
        "losses.mse": ["MSELoss", "mse", "mse_of_arrays", "mse_value"],
        "losses.cross_entropy": ["cross_entropy"],
        "nn.linear": ["Linear", "linear", "NumpyLinear"],
        "nn.relu": ["Relu", "relu_of_arrays"],
        "schedules.step_lr": ["StepLR"],
        "schedules.cosine_annealing_lr": ["cosine"],
        "data.random_sampler": ["Shuffled"],
        "data.batch_sampler": ["pieces"],
        "data.loader": ["DataLoader", "batches"],
    },
    "textbook": {
        "optim.sgd": ["sgd"],
        "optim.adam": ["adam"],
        "optim.adamw": ["adamw"],
        "optim.adamax": ["adamax"],
        "optim.adagrad": ["adagrad"],
        "optim.adadelta": ["adadelta"],
        "optim.rmsprop": ["rmsprop"],
        "optim.rprop": ["rprop"],
        "optim.lbfgs": ["LBFGS"],
        "optim.muon": ["Muon"],
        "losses.l1": ["l1"],
        "losses.mse": ["mse"],
        "losses.huber": ["huber"],
        "losses.binary_cross_entropy_with_logits": ["binary_cross_entropy_with_logits"],
        "losses.kl_div": ["kl_div"],
        "nn.leaky_relu": ["leaky_relu"],
        "nn.sigmoid": ["sigmoid"],
        "nn.silu": ["silu"],
        "nn.softmax": ["softmax", "Softmax"],
        "nn.flatten": ["flatten"],
        "nn.embedding": ["embedding"],
        "schedules.step_lr": ["step_lr"],
        "schedules.multi_step_lr": ["multi_step_lr"],
        "schedules.constant_lr": ["constant_lr"],
        "schedules.linear_lr": ["linear_lr"],
        "schedules.exponential_lr": ["exponential_lr"],
        "schedules.polynomial_lr": ["polynomial_lr"],
        "schedules.cosine_annealing_lr": ["cosine_annealing_lr"],
        "init.uniform": ["uniform"],
        "init.normal": ["normal"],
        "init.xavier_uniform": ["xavier_uniform"],
        "init.kaiming_normal": ["kaiming_normal"],
        "init.constant": ["constant"],
        "init.eye": ["eye"],
        "init.dirac": ["dirac"],
        "init.orthogonal": ["orthogonal"],
        "init.calculate_gain": ["calculate_gain"],
        "training.clip_grad_norm": ["clip_grad_norm"],
        "training.clip_grad_value": ["clip_grad_value"],
        "training.ema": ["ema"],
        "training.swa": ["swa"],
        "training.averaged_model": ["EMA"],
        "training.update_bn": ["update_bn"],
        "data.concat_dataset": ["Joined"],
        "data.subset": ["Some"],
        "data.stack_dataset": ["Zipped"],
        "data.dataset": ["Zipped"],
        "data.collate": ["stacked"],
        "data.split": ["split"],
        "nn.sequential": ["Chain"],
        "autograd.vjp": ["vjp"],
        "autograd.jacobian": ["jacobian"],
        "autograd.hessian": ["hessian"],
        "schedules.lambda_lr": ["lambda_lr"],
        "schedules.multiplicative_lr": ["multiplicative_lr"],
        "schedules.swalr": ["swalr"],
        "schedules.reduce_lr_on_plateau": ["plateau"],
    },
}


def right():
    """The right implementations as they would stand on a command line; first one of each role, then the others."""
    torchs = [f"{role}=torchs.py:{LADDERS[role].native.__name__}" for role in subjects.roles()]
    return torchs + [
        f"{role}={file}.py:{name}" for file, roles in RIGHT.items() for role in roles for name in roles[role]
    ]


def asked(role):
    """The laws that a subject is asked, cell by cell."""
    for law in laws(role):
        mark = next(mark for mark in law.pytestmark if mark.name == "cells")
        for arguments in arguments_of(law, role) if about_any_rung(mark) else ():
            yield law, arguments


def judged(given, seed):
    """One run: what was asked of an implementation, and what each law said."""
    start, subject = time.perf_counter(), subjects.parse(given, SAMPLES)
    outcomes = []
    for law, arguments in asked(subject.role):
        outcome = subjects.judge(subject, named(again(law, seed=seed), law.__name__), **arguments)
        outcomes.append((f"{law.__name__} {arguments['cell'].dtype or ''}".strip(), outcome))
    count = lambda word: sum(outcome.word == word for _, outcome in outcomes)
    return {
        "subject": given,
        "seed": seed,
        "equal": count("equal"),
        "not run": count("not run"),
        "alarms": {law: f"{o.word}: {o.told}" for law, o in outcomes if o.word not in ("equal", "not run")},
        "share": max((outcome.ledger[1] for _, outcome in outcomes), default=0.0),
        "seconds": round(time.perf_counter() - start, 1),
    }


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.subjects", description=__doc__.partition("\n")[0])
    parser.add_argument("roles", nargs="*", metavar="ROLE", help="these roles alone, which writes no results")
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="runs, each under its own seed (200)")
    options = parser.parse_args()
    prepare()
    load_profile(max_examples=EXAMPLES)
    among = [given for given in right() if not options.roles or given.partition("=")[0] in options.roles]
    if not among:
        print(f"no such role {options.roles[0]!r}; pytest --subjects lists them", file=sys.stderr)
        return 2
    known = [] if options.roles else begun()
    runs = [run for run in known if run["seed"] < options.seeds]
    for seed in sorted({*range(options.seeds)} - {run["seed"] for run in runs}):
        runs.append(judged(among[seed % len(among)], seed))
        told = "".join(f"\n    {law}: {alarm}" for law, alarm in runs[-1]["alarms"].items())
        print("{seed:4} {equal:3} equal {share:5.1%} of the bound  {subject}".format(**runs[-1]) + told, flush=True)
        if not options.roles:
            RESULTS.write_text(json.dumps(report(runs), indent=1) + "\n", encoding="utf-8")
    alarms = sum(bool(run["alarms"]) for run in runs)
    print(f"{alarms} of {len(runs)} runs find fault with what is right")
    return 1 if alarms else 0


def begun():
    """The runs that are there already, with these versions: a long job is done in pieces."""
    if not RESULTS.exists():
        return []
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found["runs"] if found["versions"] == versions() else []


def report(runs):
    return {
        "command": f"python -m tests.subjects --seeds {len(runs)}",
        "versions": versions(),
        "examples of a law": EXAMPLES,
        "roles": len({run["subject"].partition("=")[0] for run in runs}),
        "implementations": len({run["subject"] for run in runs}),
        "runs with an alarm": sum(bool(run["alarms"]) for run in runs),
        "worst share of the bound": max(run["share"] for run in runs),
        "runs": runs,
    }


if __name__ == "__main__":
    sys.exit(main())
