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
from impls.schedules.chained_scheduler import ChainedScheduler
from impls.schedules.constant_lr import ConstantLR
from impls.schedules.cosine_annealing_lr import CosineAnnealingLR
from impls.schedules.cosine_annealing_warm_restarts import CosineAnnealingWarmRestarts
from impls.schedules.cyclic_lr import CyclicLR
from impls.schedules.exponential_lr import ExponentialLR
from impls.schedules.lambda_lr import LambdaLR
from impls.schedules.linear_lr import LinearLR
from impls.schedules.lr_scheduler import LRScheduler
from impls.schedules.multi_step_lr import MultiStepLR
from impls.schedules.multiplicative_lr import MultiplicativeLR
from impls.schedules.one_cycle_lr import OneCycleLR
from impls.schedules.polynomial_lr import PolynomialLR
from impls.schedules.reduce_lr_on_plateau import ReduceLROnPlateau
from impls.schedules.sequential_lr import SequentialLR
from impls.schedules.step_lr import StepLR
from impls.training.clip_grad_norm import clip_grad_norm_
from impls.training.clip_grad_value import clip_grad_value_
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
    "LRScheduler",
    "LambdaLR",
    "Linear",
    "LinearLR",
    "Loss",
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
