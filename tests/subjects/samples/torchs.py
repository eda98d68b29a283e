"""Torch's own, under the names that it has there."""

from torch.autograd.functional import hessian, jacobian, jvp, vjp  # noqa: F401
from torch.nn import *  # noqa: F403
from torch.nn.functional import scaled_dot_product_attention  # noqa: F401
from torch.nn.init import *  # noqa: F403
from torch.nn.utils import clip_grad_norm_, clip_grad_value_  # noqa: F401
from torch.optim import *  # noqa: F403
from torch.optim.lr_scheduler import *  # noqa: F403
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_avg_fn, get_swa_avg_fn, update_bn  # noqa: F401
from torch.utils.data import *  # noqa: F403
from torch.utils.data.distributed import DistributedSampler  # noqa: F401
