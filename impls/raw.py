"""The raw rung, read as a library.  Torch tensors and autograd in plain functions; no classes."""

from impls.autograd.backward import backward_raw as backward
from impls.autograd.grad import grad_raw as grad
from impls.autograd.hessian import hessian_raw as hessian
from impls.autograd.jacobian import jacobian_raw as jacobian
from impls.autograd.jvp import jvp_raw as jvp
from impls.autograd.vjp import vjp_raw as vjp
from impls.data.batch_sampler import batch_sampler_raw as batch_sampler
from impls.data.collate import collate_raw as default_collate
from impls.data.concat_dataset import concat_dataset_raw as concat_dataset
from impls.data.dataset import tensor_dataset_raw as tensor_dataset
from impls.data.distributed_sampler import distributed_sampler_raw as distributed_sampler
from impls.data.loader import loader_raw as data_loader
from impls.data.random_sampler import random_sampler_raw as random_sampler
from impls.data.sequential_sampler import sequential_sampler_raw as sequential_sampler
from impls.data.split import random_split_raw as random_split
from impls.data.stack_dataset import stack_dataset_raw as stack_dataset
from impls.data.subset import subset_raw as subset
from impls.data.subset_random_sampler import subset_random_sampler_raw as subset_random_sampler
from impls.data.weighted_random_sampler import weighted_random_sampler_raw as weighted_random_sampler
from impls.init.calculate_gain import calculate_gain_raw as calculate_gain
from impls.init.constant import constant_raw as constant
from impls.init.dirac import dirac_raw as dirac
from impls.init.eye import eye_raw as eye
from impls.init.kaiming_normal import kaiming_normal_raw as kaiming_normal
from impls.init.kaiming_uniform import kaiming_uniform_raw as kaiming_uniform
from impls.init.normal import normal_raw as normal
from impls.init.ones import ones_raw as ones
from impls.init.orthogonal import orthogonal_raw as orthogonal
from impls.init.sparse import sparse_raw as sparse
from impls.init.trunc_normal import trunc_normal_raw as trunc_normal
from impls.init.uniform import uniform_raw as uniform
from impls.init.xavier_normal import xavier_normal_raw as xavier_normal
from impls.init.xavier_uniform import xavier_uniform_raw as xavier_uniform
from impls.init.zeros import zeros_raw as zeros
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
from impls.nn.conv2d import conv2d_raw as conv2d
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
from impls.nn.max_pool2d import max_pool2d_raw as max_pool2d
from impls.nn.module import named_parameters_raw as named_parameters
from impls.nn.parameter import parameter_raw as parameter
from impls.nn.relu import relu_raw as relu
from impls.nn.rms_norm import rms_norm_raw as rms_norm
from impls.nn.scaled_dot_product_attention import scaled_dot_product_attention_raw as scaled_dot_product_attention
from impls.nn.sequential import Layer
from impls.nn.sequential import sequential_raw as sequential
from impls.nn.sigmoid import sigmoid_raw as sigmoid
from impls.nn.silu import silu_raw as silu
from impls.nn.softmax import softmax_raw as softmax
from impls.nn.softplus import softplus_raw as softplus
from impls.nn.tanh import tanh_raw as tanh
from impls.optim.adadelta import adadelta_raw as adadelta
from impls.optim.adafactor import adafactor_raw as adafactor
from impls.optim.adagrad import adagrad_raw as adagrad
from impls.optim.adam import adam_raw as adam
from impls.optim.adamax import adamax_raw as adamax
from impls.optim.adamw import adamw_raw as adamw
from impls.optim.asgd import asgd_raw as asgd
from impls.optim.lbfgs import lbfgs_raw as lbfgs
from impls.optim.muon import muon_raw as muon
from impls.optim.nadam import nadam_raw as nadam
from impls.optim.radam import radam_raw as radam
from impls.optim.rmsprop import rmsprop_raw as rmsprop
from impls.optim.rprop import rprop_raw as rprop
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
from impls.schedules.swalr import swalr_raw as swalr
from impls.training.averaged_model import averaged_model_raw as averaged_model
from impls.training.clip_grad_norm import clip_grad_norm_raw as clip_grad_norm
from impls.training.clip_grad_value import clip_grad_value_raw as clip_grad_value
from impls.training.ema import ema_raw as ema
from impls.training.evaluation import evaluate_raw as evaluate
from impls.training.loop import train_raw as train
from impls.training.step import train_step_raw as train_step
from impls.training.swa import swa_raw as swa
from impls.training.update_bn import update_bn_raw as update_bn

__all__ = [
    "Layer",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "averaged_model",
    "backward",
    "batch_norm1d",
    "batch_sampler",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "calculate_gain",
    "chained_scheduler",
    "clip_grad_norm",
    "clip_grad_value",
    "concat_dataset",
    "constant",
    "constant_lr",
    "conv2d",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "cross_entropy",
    "cyclic_lr",
    "data_loader",
    "default_collate",
    "dirac",
    "distributed_sampler",
    "dropout",
    "ema",
    "embedding",
    "evaluate",
    "exponential_lr",
    "eye",
    "flatten",
    "gelu",
    "grad",
    "hessian",
    "huber_loss",
    "identity",
    "jacobian",
    "jvp",
    "kaiming_normal",
    "kaiming_uniform",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "lbfgs",
    "leaky_relu",
    "linear",
    "linear_init",
    "linear_lr",
    "log_softmax",
    "loss",
    "max_pool2d",
    "mse_loss",
    "multi_step_lr",
    "multiplicative_lr",
    "muon",
    "nadam",
    "named_parameters",
    "nll_loss",
    "normal",
    "ones",
    "orthogonal",
    "parameter",
    "polynomial_lr",
    "radam",
    "random_sampler",
    "random_split",
    "reduce_lr_on_plateau",
    "relu",
    "rms_norm",
    "rmsprop",
    "rng",
    "rprop",
    "scaled_dot_product_attention",
    "sequential",
    "sequential_lr",
    "sequential_sampler",
    "sgd",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "sparse",
    "stack_dataset",
    "step_lr",
    "subset",
    "subset_random_sampler",
    "swa",
    "swalr",
    "tanh",
    "tensor_dataset",
    "train",
    "train_step",
    "trunc_normal",
    "uniform",
    "update_bn",
    "vjp",
    "weighted_random_sampler",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
