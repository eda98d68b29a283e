"""The custom rung, read as a library.  Our own classes, drop-ins for torch's."""

from impls.autograd.backward import backward
from impls.autograd.cat import cat
from impls.autograd.enable_grad import enable_grad
from impls.autograd.function import Function
from impls.autograd.grad import grad
from impls.autograd.graph import make_dot
from impls.autograd.hessian import hessian
from impls.autograd.index_put import index_put
from impls.autograd.jacobian import jacobian
from impls.autograd.jvp import jvp
from impls.autograd.matmul import matmul
from impls.autograd.max import max  # noqa: A004 (torch's name)
from impls.autograd.no_grad import no_grad
from impls.autograd.node import Node
from impls.autograd.pow import pow  # noqa: A004 (torch's name)
from impls.autograd.result_type import result_type
from impls.autograd.split import split
from impls.autograd.stack import stack
from impls.autograd.tensor import Tensor
from impls.autograd.unbind import unbind
from impls.autograd.vjp import vjp
from impls.data.batch_sampler import BatchSampler
from impls.data.chain_dataset import ChainDataset
from impls.data.collate import default_collate
from impls.data.concat_dataset import ConcatDataset
from impls.data.dataset import TensorDataset
from impls.data.distributed_sampler import DistributedSampler
from impls.data.iterable_dataset import IterableDataset
from impls.data.loader import DataLoader
from impls.data.random_sampler import RandomSampler
from impls.data.sequential_sampler import SequentialSampler
from impls.data.split import random_split
from impls.data.stack_dataset import StackDataset
from impls.data.stateful_loader import StatefulDataLoader
from impls.data.subset import Subset
from impls.data.subset_random_sampler import SubsetRandomSampler
from impls.data.weighted_random_sampler import WeightedRandomSampler
from impls.data.workers import get_worker_info
from impls.init.calculate_gain import calculate_gain
from impls.init.constant import constant_
from impls.init.dirac import dirac_
from impls.init.eye import eye_
from impls.init.kaiming_normal import kaiming_normal_
from impls.init.kaiming_uniform import kaiming_uniform_
from impls.init.normal import normal_
from impls.init.ones import ones_
from impls.init.orthogonal import orthogonal_
from impls.init.sparse import sparse_
from impls.init.trunc_normal import trunc_normal_
from impls.init.uniform import uniform_
from impls.init.xavier_normal import xavier_normal_
from impls.init.xavier_uniform import xavier_uniform_
from impls.init.zeros import zeros_
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
from impls.nn.buffer import Buffer
from impls.nn.conv2d import Conv2d
from impls.nn.conversion import Conversion
from impls.nn.dropout import Dropout
from impls.nn.embedding import Embedding
from impls.nn.flatten import Flatten
from impls.nn.gelu import GELU
from impls.nn.hooks import Hooks
from impls.nn.identity import Identity
from impls.nn.layer_norm import LayerNorm
from impls.nn.leaky_relu import LeakyReLU
from impls.nn.linear import Linear
from impls.nn.log_softmax import LogSoftmax
from impls.nn.max_pool2d import MaxPool2d
from impls.nn.module import Module
from impls.nn.module_dict import ModuleDict
from impls.nn.module_list import ModuleList
from impls.nn.parameter import Parameter
from impls.nn.parameter_dict import ParameterDict
from impls.nn.parameter_list import ParameterList
from impls.nn.registration import Registration
from impls.nn.relu import ReLU
from impls.nn.rms_norm import RMSNorm
from impls.nn.sequential import Sequential
from impls.nn.sigmoid import Sigmoid
from impls.nn.silu import SiLU
from impls.nn.softmax import Softmax
from impls.nn.softplus import Softplus
from impls.nn.state import State
from impls.nn.tanh import Tanh
from impls.nn.traversal import Traversal
from impls.optim.adadelta import Adadelta
from impls.optim.adafactor import Adafactor
from impls.optim.adagrad import Adagrad
from impls.optim.adam import Adam
from impls.optim.adamax import Adamax
from impls.optim.adamw import AdamW
from impls.optim.asgd import ASGD
from impls.optim.lbfgs import LBFGS
from impls.optim.muon import Muon
from impls.optim.nadam import NAdam
from impls.optim.optimizer import Optimizer
from impls.optim.radam import RAdam
from impls.optim.rmsprop import RMSprop
from impls.optim.rprop import Rprop
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
from impls.schedules.swalr import SWALR
from impls.training.averaged_model import AveragedModel
from impls.training.clip_grad_norm import clip_grad_norm_
from impls.training.clip_grad_value import clip_grad_value_
from impls.training.ema import get_ema_avg_fn, get_ema_multi_avg_fn
from impls.training.evaluation import evaluate
from impls.training.loop import train
from impls.training.step import train_step
from impls.training.swa import get_swa_avg_fn, get_swa_multi_avg_fn
from impls.training.update_bn import update_bn

__all__ = [
    "ASGD",
    "GELU",
    "LBFGS",
    "SGD",
    "SWALR",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AveragedModel",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchSampler",
    "Buffer",
    "ChainDataset",
    "ChainedScheduler",
    "ConcatDataset",
    "ConstantLR",
    "Conv2d",
    "Conversion",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CrossEntropyLoss",
    "CyclicLR",
    "DataLoader",
    "DistributedSampler",
    "Dropout",
    "Embedding",
    "ExponentialLR",
    "Flatten",
    "Function",
    "Hooks",
    "HuberLoss",
    "Identity",
    "IterableDataset",
    "KLDivLoss",
    "L1Loss",
    "LRScheduler",
    "LambdaLR",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearLR",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "NLLLoss",
    "Node",
    "OneCycleLR",
    "Optimizer",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "PolynomialLR",
    "RAdam",
    "RMSNorm",
    "RMSprop",
    "RandomSampler",
    "ReLU",
    "ReduceLROnPlateau",
    "Registration",
    "Rprop",
    "Sequential",
    "SequentialLR",
    "SequentialSampler",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "StackDataset",
    "State",
    "StatefulDataLoader",
    "StepLR",
    "Subset",
    "SubsetRandomSampler",
    "Tanh",
    "Tensor",
    "TensorDataset",
    "Traversal",
    "WeightedRandomSampler",
    "backward",
    "calculate_gain",
    "cat",
    "clip_grad_norm_",
    "clip_grad_value_",
    "constant_",
    "default_collate",
    "dirac_",
    "enable_grad",
    "evaluate",
    "eye_",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "get_worker_info",
    "grad",
    "hessian",
    "index_put",
    "jacobian",
    "jvp",
    "kaiming_normal_",
    "kaiming_uniform_",
    "make_dot",
    "matmul",
    "max",
    "no_grad",
    "normal_",
    "ones_",
    "orthogonal_",
    "pow",
    "random_split",
    "result_type",
    "sparse_",
    "split",
    "stack",
    "train",
    "train_step",
    "trunc_normal_",
    "unbind",
    "uniform_",
    "update_bn",
    "vjp",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
