"""The native rung, read as a library.  What PyTorch ships, the object itself."""

from torch import Generator
from torch.nn import (
    Buffer,
    CrossEntropyLoss,
    Dropout,
    Linear,
    Module,
    ModuleDict,
    ModuleList,
    MSELoss,
    Parameter,
    ParameterDict,
    ParameterList,
    ReLU,
    Sequential,
)
from torch.nn.init import (
    calculate_gain,
    constant_,
    dirac_,
    eye_,
    kaiming_normal_,
    kaiming_uniform_,
    normal_,
    orthogonal_,
    sparse_,
    trunc_normal_,
    uniform_,
    xavier_normal_,
    xavier_uniform_,
)
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, Optimizer
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)

from impls.training.evaluation import evaluate
from impls.training.loop import train
from impls.training.step import train_step

__all__ = [
    "SGD",
    "Adam",
    "BatchSampler",
    "Buffer",
    "CrossEntropyLoss",
    "DataLoader",
    "Dropout",
    "Generator",
    "Linear",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Optimizer",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "RandomSampler",
    "ReLU",
    "Sequential",
    "SequentialSampler",
    "Subset",
    "TensorDataset",
    "calculate_gain",
    "clip_grad_norm_",
    "constant_",
    "default_collate",
    "dirac_",
    "evaluate",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "orthogonal_",
    "random_split",
    "sparse_",
    "train",
    "train_step",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
]
