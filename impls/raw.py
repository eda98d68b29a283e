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
from impls.schedules.chained_scheduler import chained_scheduler_raw as chained_scheduler
from impls.schedules.constant_lr import constant_lr_raw as constant_lr
from impls.schedules.cosine_annealing_lr import cosine_annealing_lr_raw as cosine_annealing_lr
from impls.schedules.cosine_annealing_warm_restarts import (
    cosine_annealing_warm_restarts_raw as cosine_annealing_warm_restarts,
)
from impls.schedules.cyclic_lr import cyclic_lr_raw as cyclic_lr
from impls.schedules.exponential_lr import exponential_lr_raw as exponential_lr
from impls.schedules.linear_lr import linear_lr_raw as linear_lr
from impls.schedules.multi_step_lr import multi_step_lr_raw as multi_step_lr
from impls.schedules.multiplicative_lr import multiplicative_lr_raw as multiplicative_lr
from impls.schedules.polynomial_lr import polynomial_lr_raw as polynomial_lr
from impls.schedules.reduce_lr_on_plateau import reduce_lr_on_plateau_raw as reduce_lr_on_plateau
from impls.schedules.sequential_lr import sequential_lr_raw as sequential_lr
from impls.schedules.step_lr import step_lr_raw as step_lr
from impls.training.clip_grad_norm import clip_grad_norm_raw as clip_grad_norm
from impls.training.clip_grad_value import clip_grad_value_raw as clip_grad_value
from impls.training.evaluation import evaluate_raw as evaluate
from impls.training.loop import train_raw as train
from impls.training.step import train_step_raw as train_step

__all__ = [
    "Layer",
    "adam",
    "batch_sampler",
    "chained_scheduler",
    "clip_grad_norm",
    "clip_grad_value",
    "constant_lr",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "cross_entropy",
    "cyclic_lr",
    "data_loader",
    "default_collate",
    "dropout",
    "evaluate",
    "exponential_lr",
    "linear",
    "linear_init",
    "linear_lr",
    "loss",
    "mse_loss",
    "multi_step_lr",
    "multiplicative_lr",
    "named_parameters",
    "parameter",
    "polynomial_lr",
    "random_sampler",
    "random_split",
    "reduce_lr_on_plateau",
    "relu",
    "rng",
    "sequential",
    "sequential_lr",
    "sequential_sampler",
    "sgd",
    "step_lr",
    "subset",
    "tensor_dataset",
    "train",
    "train_step",
]
