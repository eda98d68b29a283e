"""The native rung, read as a library.  What PyTorch ships, the object itself."""

from torch import Generator
from torch.nn import CrossEntropyLoss, Dropout, Linear, Module, MSELoss, Parameter, ReLU, Sequential
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, Optimizer
from torch.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
    random_split,
)

from impls.training.evaluation import evaluate
from impls.training.loop import train
from impls.training.step import train_step

__all__ = [
    "SGD",
    "Adam",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "CrossEntropyLoss",
    "DataLoader",
    "DistributedSampler",
    "Dropout",
    "Generator",
    "IterableDataset",
    "Linear",
    "MSELoss",
    "Module",
    "Optimizer",
    "Parameter",
    "RandomSampler",
    "ReLU",
    "Sequential",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "clip_grad_norm_",
    "default_collate",
    "evaluate",
    "get_worker_info",
    "random_split",
    "train",
    "train_step",
]
