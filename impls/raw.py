"""The raw rung, read as a library.  Torch tensors and autograd in plain functions; no classes."""

from impls.data.batch_sampler import batch_sampler_raw as batch_sampler
from impls.data.collate import collate_raw as default_collate
from impls.data.dataset import tensor_dataset_raw as tensor_dataset
from impls.data.loader import loader_raw as data_loader
from impls.data.random_sampler import random_sampler_raw as random_sampler
from impls.data.sequential_sampler import sequential_sampler_raw as sequential_sampler
from impls.data.split import random_split_raw as random_split
from impls.data.subset import subset_raw as subset
from impls.losses.binary_cross_entropy import binary_cross_entropy_raw as binary_cross_entropy
from impls.losses.binary_cross_entropy_with_logits import (
    binary_cross_entropy_with_logits_raw as binary_cross_entropy_with_logits,
)
from impls.losses.cross_entropy import cross_entropy_raw as cross_entropy
from impls.losses.huber import huber_raw as huber_loss
from impls.losses.kl_div import kl_div_raw as kl_div
from impls.losses.l1 import l1_raw as l1_loss
from impls.losses.loss import _reduced as loss
from impls.losses.mse import mse_raw as mse_loss
from impls.losses.nll import nll_raw as nll_loss
from impls.losses.smooth_l1 import smooth_l1_raw as smooth_l1_loss
from impls.nn.batch_norm1d import batch_norm1d_raw as batch_norm1d
from impls.nn.dropout import dropout_raw as dropout
from impls.nn.embedding import embedding_raw as embedding
from impls.nn.flatten import flatten_raw as flatten
from impls.nn.gelu import gelu_raw as gelu
from impls.nn.identity import identity_raw as identity
from impls.nn.layer_norm import layer_norm_raw as layer_norm
from impls.nn.leaky_relu import leaky_relu_raw as leaky_relu
from impls.nn.linear import linear_init_raw as linear_init
from impls.nn.linear import linear_raw as linear
from impls.nn.log_softmax import log_softmax_raw as log_softmax
from impls.nn.module import named_parameters_raw as named_parameters
from impls.nn.parameter import parameter_raw as parameter
from impls.nn.relu import relu_raw as relu
from impls.nn.sequential import Layer
from impls.nn.sequential import sequential_raw as sequential
from impls.nn.sigmoid import sigmoid_raw as sigmoid
from impls.nn.silu import silu_raw as silu
from impls.nn.softmax import softmax_raw as softmax
from impls.nn.softplus import softplus_raw as softplus
from impls.nn.tanh import tanh_raw as tanh
from impls.optim.adam import adam_raw as adam
from impls.optim.sgd import sgd_raw as sgd
from impls.rng import rng_raw as rng
from impls.training.clip_grad_norm import clip_grad_norm_raw as clip_grad_norm
from impls.training.evaluation import evaluate_raw as evaluate
from impls.training.loop import train_raw as train
from impls.training.step import train_step_raw as train_step

__all__ = [
    "Layer",
    "adam",
    "batch_norm1d",
    "batch_sampler",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm",
    "cross_entropy",
    "data_loader",
    "default_collate",
    "dropout",
    "embedding",
    "evaluate",
    "flatten",
    "gelu",
    "huber_loss",
    "identity",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "linear_init",
    "log_softmax",
    "loss",
    "mse_loss",
    "named_parameters",
    "nll_loss",
    "parameter",
    "random_sampler",
    "random_split",
    "relu",
    "rng",
    "sequential",
    "sequential_sampler",
    "sgd",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "subset",
    "tanh",
    "tensor_dataset",
    "train",
    "train_step",
]
