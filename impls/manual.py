"""The manual rung, read as a library.  NumPy arrays in, NumPy arrays out: pure functions, derivatives by hand."""

from impls.autograd.cat import cat_manual as cat
from impls.autograd.index_put import index_put_manual as index_put
from impls.autograd.jacobian import jacobian_manual as jacobian
from impls.autograd.jvp import jvp_manual as jvp
from impls.autograd.matmul import matmul_manual as matmul
from impls.autograd.max import max_manual as max  # noqa: A004 (torch's name)
from impls.autograd.pow import pow_manual as pow  # noqa: A004 (torch's name)
from impls.autograd.result_type import result_type_manual as result_type
from impls.autograd.split import split_manual as split
from impls.autograd.stack import stack_manual as stack
from impls.autograd.unbind import unbind_manual as unbind
from impls.data.batch_sampler import batch_sampler_manual as batch_sampler
from impls.data.collate import collate_manual as default_collate
from impls.data.concat_dataset import concat_dataset_manual as concat_dataset
from impls.data.dataset import tensor_dataset_manual as tensor_dataset
from impls.data.distributed_sampler import distributed_sampler_manual as distributed_sampler
from impls.data.loader import loader_manual as data_loader
from impls.data.random_sampler import random_sampler_manual as random_sampler
from impls.data.sequential_sampler import sequential_sampler_manual as sequential_sampler
from impls.data.sources import sources_manual as sources
from impls.data.split import random_split_manual as random_split
from impls.data.stack_dataset import stack_dataset_manual as stack_dataset
from impls.data.subset import subset_manual as subset
from impls.data.subset_random_sampler import subset_random_sampler_manual as subset_random_sampler
from impls.data.weighted_random_sampler import weighted_random_sampler_manual as weighted_random_sampler
from impls.data.workers import worker_seeds_manual as get_worker_info
from impls.init.calculate_gain import calculate_gain_manual as calculate_gain
from impls.init.constant import constant_manual as constant
from impls.init.dirac import dirac_manual as dirac
from impls.init.eye import eye_manual as eye
from impls.init.kaiming_normal import kaiming_normal_manual as kaiming_normal
from impls.init.kaiming_uniform import kaiming_uniform_manual as kaiming_uniform
from impls.init.normal import normal_manual as normal
from impls.init.ones import ones_manual as ones
from impls.init.orthogonal import orthogonal_manual as orthogonal
from impls.init.sparse import sparse_manual as sparse
from impls.init.trunc_normal import trunc_normal_manual as trunc_normal
from impls.init.uniform import uniform_manual as uniform
from impls.init.xavier_normal import xavier_normal_manual as xavier_normal
from impls.init.xavier_uniform import xavier_uniform_manual as xavier_uniform
from impls.init.zeros import zeros_manual as zeros
from impls.losses.binary_cross_entropy import binary_cross_entropy_manual as binary_cross_entropy
from impls.losses.binary_cross_entropy_with_logits import (
    binary_cross_entropy_with_logits_manual as binary_cross_entropy_with_logits,
)
from impls.losses.cross_entropy import cross_entropy_manual as cross_entropy
from impls.losses.huber import huber_manual as huber_loss
from impls.losses.kl_div import kl_div_manual as kl_div
from impls.losses.l1 import l1_manual as l1_loss
from impls.losses.loss import reduce_manual as loss
from impls.losses.mse import mse_manual as mse_loss
from impls.losses.nll import nll_manual as nll_loss
from impls.losses.smooth_l1 import smooth_l1_manual as smooth_l1_loss
from impls.nn.batch_norm1d import batch_norm1d_manual as batch_norm1d
from impls.nn.conv2d import conv2d_manual as conv2d
from impls.nn.dropout import dropout_manual as dropout
from impls.nn.embedding import embedding_manual as embedding
from impls.nn.flatten import flatten_manual as flatten
from impls.nn.gelu import gelu_manual as gelu
from impls.nn.identity import identity_manual as identity
from impls.nn.layer_norm import layer_norm_manual as layer_norm
from impls.nn.leaky_relu import leaky_relu_manual as leaky_relu
from impls.nn.linear import linear_manual as linear
from impls.nn.log_softmax import log_softmax_manual as log_softmax
from impls.nn.max_pool2d import max_pool2d_manual as max_pool2d
from impls.nn.module import named_parameters_manual as named_parameters
from impls.nn.relu import relu_manual as relu
from impls.nn.rms_norm import rms_norm_manual as rms_norm
from impls.nn.scaled_dot_product_attention import scaled_dot_product_attention_manual as scaled_dot_product_attention
from impls.nn.sequential import Layer
from impls.nn.sequential import sequential_manual as sequential
from impls.nn.sigmoid import sigmoid_manual as sigmoid
from impls.nn.silu import silu_manual as silu
from impls.nn.softmax import softmax_manual as softmax
from impls.nn.softplus import softplus_manual as softplus
from impls.nn.tanh import tanh_manual as tanh
from impls.optim.adadelta import adadelta_manual as adadelta
from impls.optim.adafactor import adafactor_manual as adafactor
from impls.optim.adagrad import adagrad_manual as adagrad
from impls.optim.adam import adam_manual as adam
from impls.optim.adamax import adamax_manual as adamax
from impls.optim.adamw import adamw_manual as adamw
from impls.optim.asgd import asgd_manual as asgd
from impls.optim.lbfgs import lbfgs_manual as lbfgs
from impls.optim.muon import muon_manual as muon
from impls.optim.nadam import nadam_manual as nadam
from impls.optim.optimizer import optimizer_manual as optimizer
from impls.optim.radam import radam_manual as radam
from impls.optim.rmsprop import rmsprop_manual as rmsprop
from impls.optim.rprop import rprop_manual as rprop
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
from impls.schedules.swalr import swalr_manual as swalr
from impls.training.averaged_model import averaged_model_manual as averaged_model
from impls.training.clip_grad_norm import clip_grad_norm_manual as clip_grad_norm
from impls.training.clip_grad_value import clip_grad_value_manual as clip_grad_value
from impls.training.ema import ema_manual as ema
from impls.training.evaluation import evaluate_manual as evaluate
from impls.training.loop import train_manual as train
from impls.training.step import train_step_manual as train_step
from impls.training.swa import swa_manual as swa
from impls.training.update_bn import update_bn_manual as update_bn

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
    "batch_norm1d",
    "batch_sampler",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "calculate_gain",
    "cat",
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
    "get_worker_info",
    "huber_loss",
    "identity",
    "index_put",
    "jacobian",
    "jvp",
    "kaiming_normal",
    "kaiming_uniform",
    "kl_div",
    "l1_loss",
    "lambda_lr",
    "layer_norm",
    "lbfgs",
    "leaky_relu",
    "linear",
    "linear_lr",
    "log_softmax",
    "loss",
    "matmul",
    "max",
    "max_pool2d",
    "mse_loss",
    "multi_step_lr",
    "multiplicative_lr",
    "muon",
    "nadam",
    "named_parameters",
    "nll_loss",
    "normal",
    "one_cycle_lr",
    "ones",
    "optimizer",
    "orthogonal",
    "polynomial_lr",
    "pow",
    "radam",
    "random_sampler",
    "random_split",
    "reduce_lr_on_plateau",
    "relu",
    "result_type",
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
    "sources",
    "sparse",
    "split",
    "stack",
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
    "unbind",
    "uniform",
    "update_bn",
    "weighted_random_sampler",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
