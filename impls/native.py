"""The native rung, read as a library.  What PyTorch ships, the object itself."""

from torch import Generator
from torch.nn import CrossEntropyLoss, Dropout, Linear, Module, MSELoss, Parameter, ReLU, Sequential
from torch.nn.utils import clip_grad_norm_
from torch.optim import ASGD, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RAdam, RMSprop, Rprop
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
    "ASGD",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "BatchSampler",
    "CrossEntropyLoss",
    "DataLoader",
    "Dropout",
    "Generator",
    "Linear",
    "MSELoss",
    "Module",
    "NAdam",
    "Optimizer",
    "Parameter",
    "RAdam",
    "RMSprop",
    "RandomSampler",
    "ReLU",
    "Rprop",
    "Sequential",
    "SequentialSampler",
    "Subset",
    "TensorDataset",
    "clip_grad_norm_",
    "default_collate",
    "evaluate",
    "random_split",
    "train",
    "train_step",
]
