"""The manual rung, read as a library.  NumPy arrays in, NumPy arrays out: pure functions, derivatives by hand."""

from impls.data.batch_sampler import batch_sampler_manual as batch_sampler
from impls.data.collate import collate_manual as default_collate
from impls.data.dataset import tensor_dataset_manual as tensor_dataset
from impls.data.loader import loader_manual as data_loader
from impls.data.random_sampler import random_sampler_manual as random_sampler
from impls.data.sequential_sampler import sequential_sampler_manual as sequential_sampler
from impls.data.sources import sources_manual as sources
from impls.data.split import random_split_manual as random_split
from impls.data.subset import subset_manual as subset
from impls.losses.cross_entropy import cross_entropy_manual as cross_entropy
from impls.losses.loss import reduce_manual as loss
from impls.losses.mse import mse_manual as mse_loss
from impls.nn.dropout import dropout_manual as dropout
from impls.nn.linear import linear_manual as linear
from impls.nn.module import named_parameters_manual as named_parameters
from impls.nn.relu import relu_manual as relu
from impls.nn.sequential import Layer
from impls.nn.sequential import sequential_manual as sequential
from impls.optim.adam import adam_manual as adam
from impls.optim.optimizer import optimizer_manual as optimizer
from impls.optim.sgd import sgd_manual as sgd
from impls.rng import rng_manual as rng
from impls.schedules.chained_scheduler import chained_scheduler_manual as chained_scheduler
from impls.schedules.constant_lr import constant_lr_manual as constant_lr
from impls.schedules.cosine_annealing_lr import cosine_annealing_lr_manual as cosine_annealing_lr
from impls.schedules.cosine_annealing_warm_restarts import (
    cosine_annealing_warm_restarts_manual as cosine_annealing_warm_restarts,
)
from impls.schedules.cyclic_lr import cyclic_lr_manual as cyclic_lr
from impls.schedules.exponential_lr import exponential_lr_manual as exponential_lr
from impls.schedules.lambda_lr import lambda_lr_manual as lambda_lr
from impls.schedules.linear_lr import linear_lr_manual as linear_lr
from impls.schedules.multi_step_lr import multi_step_lr_manual as multi_step_lr
from impls.schedules.multiplicative_lr import multiplicative_lr_manual as multiplicative_lr
from impls.schedules.one_cycle_lr import one_cycle_lr_manual as one_cycle_lr
from impls.schedules.polynomial_lr import polynomial_lr_manual as polynomial_lr
from impls.schedules.reduce_lr_on_plateau import reduce_lr_on_plateau_manual as reduce_lr_on_plateau
from impls.schedules.sequential_lr import sequential_lr_manual as sequential_lr
from impls.schedules.step_lr import step_lr_manual as step_lr
from impls.training.clip_grad_norm import clip_grad_norm_manual as clip_grad_norm
from impls.training.clip_grad_value import clip_grad_value_manual as clip_grad_value
from impls.training.evaluation import evaluate_manual as evaluate
from impls.training.loop import train_manual as train
from impls.training.step import train_step_manual as train_step

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
    "lambda_lr",
    "linear",
    "linear_lr",
    "loss",
    "mse_loss",
    "multi_step_lr",
    "multiplicative_lr",
    "named_parameters",
    "one_cycle_lr",
    "optimizer",
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
    "sources",
    "step_lr",
    "subset",
    "tensor_dataset",
    "train",
    "train_step",
]
