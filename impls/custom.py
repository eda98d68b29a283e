"""The custom rung, read as a library.  Our own classes, drop-ins for torch's."""

from impls.data.batch_sampler import BatchSampler
from impls.data.collate import default_collate
from impls.data.dataset import TensorDataset
from impls.data.loader import DataLoader
from impls.data.random_sampler import RandomSampler
from impls.data.sequential_sampler import SequentialSampler
from impls.data.split import random_split
from impls.data.subset import Subset
from impls.losses.cross_entropy import CrossEntropyLoss
from impls.losses.loss import Loss
from impls.losses.mse import MSELoss
from impls.nn.dropout import Dropout
from impls.nn.linear import Linear
from impls.nn.module import Module
from impls.nn.parameter import Parameter
from impls.nn.relu import ReLU
from impls.nn.sequential import Sequential
from impls.optim.adam import Adam
from impls.optim.optimizer import Optimizer
from impls.optim.sgd import SGD
from impls.training.clip_grad_norm import clip_grad_norm_
from impls.training.clip_grad_value import clip_grad_value_
from impls.training.evaluation import evaluate
from impls.training.loop import train
from impls.training.step import train_step

__all__ = [
    "SGD",
    "Adam",
    "BatchSampler",
    "CrossEntropyLoss",
    "DataLoader",
    "Dropout",
    "Linear",
    "Loss",
    "MSELoss",
    "Module",
    "Optimizer",
    "Parameter",
    "RandomSampler",
    "ReLU",
    "Sequential",
    "SequentialSampler",
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
