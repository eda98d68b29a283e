"""The initializations: of each the shapes and the settings that are drawn, and what is refused."""

from tests.families import Family
from tests.init import door, problems, refused
from tests.init.problems import ANY, FANS, KERNELS, MATRICES, Fill, Gain

DRAWN = dict.fromkeys(("agreement", "bits"), "parameters are drawn on the CPU")


def fill(name, settings, shapes, **known):
    return Fill(settings=settings, **shapes, refused=refused.of(name), on_cpu=DRAWN, door=door.FILL, **known)


ENTRIES = {
    "init.uniform": fill("uniform", problems.UNIFORM, ANY),
    "init.normal": fill("normal", problems.NORMAL, ANY),
    "init.constant": fill("constant", problems.CONSTANT, ANY, generators=problems.NONE),
    "init.ones": fill("ones", problems.given(), ANY, generators=problems.NONE),
    "init.zeros": fill("zeros", problems.given(), ANY, generators=problems.NONE),
    "init.eye": fill("eye", problems.given(), MATRICES, generators=problems.NONE),
    "init.dirac": fill("dirac", problems.groups, KERNELS, generators=problems.NONE),
    "init.xavier_uniform": fill("xavier_uniform", problems.GAIN, FANS),
    "init.xavier_normal": fill("xavier_normal", problems.GAIN, FANS),
    "init.kaiming_uniform": fill("kaiming_uniform", problems.KAIMING, FANS),
    "init.kaiming_normal": fill("kaiming_normal", problems.KAIMING, FANS),
    "init.trunc_normal": fill("trunc_normal", lambda _: problems.TRUNCATED, ANY, seeds=problems.DECIDED, decides=True),
    # it draws its rows from the global generator, whichever is given: a law of its own
    "init.sparse": fill("sparse", problems.SPARSITY, MATRICES, generators=problems.GLOBAL),
    "init.orthogonal": fill("orthogonal", problems.GAIN, FANS, rounds=True),
    "init.calculate_gain": Gain(
        questions=problems.QUESTIONS,
        refused=refused.OWN["calculate_gain"],
        on_cpu=dict.fromkeys(("agreement", "bits"), "a number has no device"),
        dtypes=(None,),
        door=door.GAIN,
    ),
}
FAMILY = Family(name="init", entries=ENTRIES)
