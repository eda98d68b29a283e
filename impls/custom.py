"""The custom rung, read as a library.  Our own classes, drop-ins for torch's."""

from impls.data.batch_sampler import BatchSampler
from impls.data.collate import default_collate
from impls.data.dataset import TensorDataset
from impls.data.loader import DataLoader
from impls.data.random_sampler import RandomSampler
from impls.data.sequential_sampler import SequentialSampler
from impls.data.split import random_split
from impls.data.subset import Subset
from impls.losses.binary_cross_entropy import BCELoss
from impls.losses.binary_cross_entropy_with_logits import BCEWithLogitsLoss
from impls.losses.cross_entropy import CrossEntropyLoss
from impls.losses.huber import HuberLoss
from impls.losses.kl_div import KLDivLoss
from impls.losses.l1 import L1Loss
from impls.losses.loss import Loss
from impls.losses.mse import MSELoss
from impls.losses.nll import NLLLoss
from impls.losses.smooth_l1 import SmoothL1Loss
from impls.nn.batch_norm1d import BatchNorm1d
from impls.nn.dropout import Dropout
from impls.nn.embedding import Embedding
from impls.nn.flatten import Flatten
from impls.nn.gelu import GELU
from impls.nn.identity import Identity
from impls.nn.layer_norm import LayerNorm
from impls.nn.leaky_relu import LeakyReLU
from impls.nn.linear import Linear
from impls.nn.log_softmax import LogSoftmax
from impls.nn.module import Module
from impls.nn.parameter import Parameter
from impls.nn.relu import ReLU
from impls.nn.sequential import Sequential
from impls.nn.sigmoid import Sigmoid
from impls.nn.silu import SiLU
from impls.nn.softmax import Softmax
from impls.nn.softplus import Softplus
from impls.nn.tanh import Tanh
from impls.optim.adam import Adam
from impls.optim.optimizer import Optimizer
from impls.optim.sgd import SGD
from impls.training.clip_grad_norm import clip_grad_norm_
from impls.training.evaluation import evaluate
from impls.training.loop import train
from impls.training.step import train_step

__all__ = [
    "GELU",
    "SGD",
    "Adam",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchSampler",
    "CrossEntropyLoss",
    "DataLoader",
    "Dropout",
    "Embedding",
    "Flatten",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "Module",
    "NLLLoss",
    "Optimizer",
    "Parameter",
    "RandomSampler",
    "ReLU",
    "Sequential",
    "SequentialSampler",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Subset",
    "Tanh",
    "TensorDataset",
    "clip_grad_norm_",
    "default_collate",
    "evaluate",
    "random_split",
    "train",
    "train_step",
]
