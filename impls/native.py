"""The native rung, read as a library.  What PyTorch ships, the object itself."""

from torch import Generator
from torch.nn import CrossEntropyLoss, Dropout, Linear, Module, MSELoss, Parameter, ReLU, Sequential
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
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
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CrossEntropyLoss",
    "CyclicLR",
    "DataLoader",
    "Dropout",
    "ExponentialLR",
    "Generator",
    "LRScheduler",
    "LambdaLR",
    "Linear",
    "LinearLR",
    "MSELoss",
    "Module",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "Optimizer",
    "Parameter",
    "PolynomialLR",
    "RandomSampler",
    "ReLU",
    "ReduceLROnPlateau",
    "Sequential",
    "SequentialLR",
    "SequentialSampler",
    "StepLR",
    "Subset",
    "TensorDataset",
    "clip_grad_norm_",
    "clip_grad_value_",
    "default_collate",
    "evaluate",
    "random_split",
    "train",
    "train_step",
]
