"""The picture: cost against size, one panel per concept, one line per contestant.

Both axes are logarithmic, so that a constant cost per call is a level line and a cost per element one of slope 1; where
the lines of two rungs meet, what is around the arithmetic has stopped to matter.
"""

import matplotlib as mpl
from matplotlib.figure import Figure

COLOURS = {"manual": "tab:blue", "raw": "tab:green", "custom": "tab:orange", "native": "black"}
STYLES = {"": "-"} | dict.fromkeys(["inplace", "foreach", "batches"], "--")
STYLES |= dict.fromkeys(["flat", "fused", "copy", "getitems"], ":")

# title, concept, beginning of the label, name of the abscissa, and the numbers that are held fixed
PANELS = [
    ("random numbers: rand", "rng", "rand-", "elements", {}),
    ("random numbers: randperm", "rng", "randperm-", "elements", {}),
    ("random numbers: normal", "rng", "normal-", "elements", {}),
    ("random numbers: bernoulli", "rng", "bernoulli-", "elements", {}),
    ("autograd, a chain of operations", "autograd.backward", "chain-", "operations", {}),
    ("data.loader, an epoch of 60,000", "data.loader", "", "features", {}),
    ("nn.linear, forward and back", "nn.linear", "", "multiplications", {}),
    ("calling a module", "nn.identity", "", "calls", {}),
    ("nn.relu, forward and back", "nn.relu", "", "elements", {}),
    ("nn.dropout, forward and back", "nn.dropout", "", "elements", {}),
    ("losses.mse, forward and back", "losses.mse", "", "elements", {}),
    ("losses.cross_entropy, forward and back", "losses.cross_entropy", "", "rows", {}),
    ("optim.sgd", "optim.sgd", "", "elements", {}),
    ("optim.adam", "optim.adam", "", "elements", {}),
    ("training.step, MLP of width 256", "training.step", "mlp-", "batch", {"width": 256}),
    ("training.step, MLP, batch of 64", "training.step", "mlp-", "width", {"batch": 64}),
    ("training.evaluation", "training.evaluation", "", "rows", {}),
]
COLUMNS = 3


def draw(races, path):
    """Draw the races of one device, those of float32; where none belongs to a panel there is no picture."""
    races = [race for race in races if race["dtype"] == "float32"]
    panels = [(panel, chosen) for panel in PANELS if (chosen := [race for race in races if _belongs(race, panel)])]
    if not panels:
        return
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(4.2 * COLUMNS, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    for ax, (panel, chosen) in zip(axes.flat, panels, strict=False):
        _panel(ax, panel, chosen)
    entries = {label: line for ax in figure.axes for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=len(entries), frameon=False)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "samestep"}):  # text stays text; no random names
        figure.savefig(path, metadata={"Date": None})


def _belongs(race, panel):
    _, concept, beginning, x, fixed = panel
    size = race["size"]
    return (
        race["concept"] == concept
        and size["label"].startswith(beginning)
        and x in size
        and fixed.items() <= size.items()
    )


def _panel(ax, panel, races):
    title, _, _, x, _ = panel
    for who in dict.fromkeys(race["contestant"] for race in races):
        points = sorted(
            (race["size"][x], race["microseconds"]["contestant"]) for race in races if race["contestant"] == who
        )
        rung, _, variant = who.partition("+")
        ax.plot(
            *zip(*points, strict=True), STYLES[variant], color=COLOURS[rung], marker=".", label=who.replace("+", ", ")
        )
    ax.set(title=title, xlabel=x, ylabel="µs", xscale="log", yscale="log")
    sizes = sorted({race["size"][x] for race in races})
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.xaxis.minorticks_off()
    ax.grid(alpha=0.3)
