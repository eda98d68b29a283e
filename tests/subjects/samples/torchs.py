"""Torch's own, under the names that it has there."""

from torch.nn import *  # noqa: F403
from torch.optim import *  # noqa: F403
from torch.optim.lr_scheduler import *  # noqa: F403
from torch.utils.data import *  # noqa: F403
from torch.utils.data.distributed import DistributedSampler  # noqa: F401
