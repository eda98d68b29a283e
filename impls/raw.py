"""The raw rung, read as a library.  Torch tensors and autograd in plain functions; no classes."""

from impls.data.batch_sampler import batch_sampler_raw as batch_sampler
from impls.data.collate import collate_raw as default_collate
from impls.data.dataset import tensor_dataset_raw as tensor_dataset
from impls.data.loader import loader_raw as data_loader
from impls.data.random_sampler import random_sampler_raw as random_sampler
from impls.data.sequential_sampler import sequential_sampler_raw as sequential_sampler
from impls.data.split import random_split_raw as random_split
from impls.data.subset import subset_raw as subset
from impls.losses.cross_entropy import cross_entropy_raw as cross_entropy
from impls.losses.loss import _reduced as loss
from impls.losses.mse import mse_raw as mse_loss
from impls.nn.dropout import dropout_raw as dropout
from impls.nn.linear import linear_init_raw as linear_init
from impls.nn.linear import linear_raw as linear
from impls.nn.module import named_parameters_raw as named_parameters
from impls.nn.parameter import parameter_raw as parameter
from impls.nn.relu import relu_raw as relu
from impls.nn.sequential import Layer
from impls.nn.sequential import sequential_raw as sequential
from impls.optim.adam import adam_raw as adam
from impls.optim.sgd import sgd_raw as sgd
from impls.rng import rng_raw as rng
from impls.training.clip_grad_norm import clip_grad_norm_raw as clip_grad_norm
from impls.training.clip_grad_value import clip_grad_value_raw as clip_grad_value
from impls.training.evaluation import evaluate_raw as evaluate
from impls.training.loop import train_raw as train
from impls.training.step import train_step_raw as train_step

__all__ = [
    "Layer",
    "adam",
    "batch_sampler",
    "clip_grad_norm",
    "clip_grad_value",
    "cross_entropy",
    "data_loader",
    "default_collate",
    "dropout",
    "evaluate",
    "linear",
    "linear_init",
    "loss",
    "mse_loss",
    "named_parameters",
    "parameter",
    "random_sampler",
    "random_split",
    "relu",
    "rng",
    "sequential",
    "sequential_sampler",
    "sgd",
    "subset",
    "tensor_dataset",
    "train",
    "train_step",
]
