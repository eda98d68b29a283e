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
from impls.training.clip_grad_norm import clip_grad_norm_manual as clip_grad_norm
from impls.training.clip_grad_value import clip_grad_value_manual as clip_grad_value
from impls.training.evaluation import evaluate_manual as evaluate
from impls.training.loop import train_manual as train
from impls.training.step import train_step_manual as train_step

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
    "loss",
    "mse_loss",
    "named_parameters",
    "optimizer",
    "random_sampler",
    "random_split",
    "relu",
    "rng",
    "sequential",
    "sequential_sampler",
    "sgd",
    "sources",
    "subset",
    "tensor_dataset",
    "train",
    "train_step",
]
