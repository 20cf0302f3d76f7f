"""What a file of one's own may import from ``model``: the parts of a recipe, and the bases of techniques."""

from model.combiners.pcgrad import PcGrad, PcGradAtEpochEnd
from model.combiners.sum import Sum
from model.combiners.torchjd import TorchJd
from model.data.reviews import Reviews
from model.declaration import SettingError, Technique
from model.encoders.bert import Bert
from model.encoders.deberta import Deberta, DebertaFromBert
from model.encoders.domain_pretrained import DomainPretrained
from model.encoders.placeholders import Base
from model.encoders.tiny import Tiny
from model.heads.constant import AlwaysAnswer, RandomAnswer
from model.heads.identity import Direct
from model.heads.linear import Linear
from model.heads.mlp import Intermediate
from model.heads.routing import Routing
from model.interfaces import (
    ActiveRegularizer,
    Batch,
    Combiner,
    Encoded,
    Encoder,
    ExtraData,
    Forward,
    Head,
    History,
    LrSchedule,
    Objective,
    Pairing,
    Regularizer,
    Schedule,
    Sizes,
    Step,
    Tokens,
)
from model.lr_schedules import Constant, Exponential
from model.objectives.bce import Bce, BceWithLogits
from model.objectives.cosine import CosineEmbedding, CosineRegression
from model.objectives.cross_entropy import BatchSoftmax, CrossEntropy
from model.objectives.mse import Mse
from model.pairing.joint import Joint
from model.pairing.separate import Concatenate, Cosine, Difference
from model.pairing.single import Single
from model.passes import Passes
from model.recipe import AdamW, Branch, Recipe
from model.regularizers.proximal import MomentumProximal, ParameterProximal, Proximal
from model.regularizers.r_drop import RDrop
from model.regularizers.smart import Smart
from model.schedules.joint import Together
from model.schedules.no_training import Never
from model.schedules.rotating import Rotating
from model.schedules.round_robin import RoundRobin
from model.schedules.sequential import Sequential
from model.schedules.single_task import Alone
from model.schedules.weakest_last import WeakestLast
from model.selection import BestEpoch, EarlyStopping, LastEpoch, Selection
from model.task import CFIMDB, QUORA, SST, STS, Task

__all__ = [
    "CFIMDB",
    "QUORA",
    "SST",
    "STS",
    "ActiveRegularizer",
    "AdamW",
    "Alone",
    "AlwaysAnswer",
    "Base",
    "Batch",
    "BatchSoftmax",
    "Bce",
    "BceWithLogits",
    "Bert",
    "BestEpoch",
    "Branch",
    "Combiner",
    "Concatenate",
    "Constant",
    "Cosine",
    "CosineEmbedding",
    "CosineRegression",
    "CrossEntropy",
    "Deberta",
    "DebertaFromBert",
    "Difference",
    "Direct",
    "DomainPretrained",
    "EarlyStopping",
    "Encoded",
    "Encoder",
    "Exponential",
    "ExtraData",
    "Forward",
    "Head",
    "History",
    "Intermediate",
    "Joint",
    "LastEpoch",
    "Linear",
    "LrSchedule",
    "MomentumProximal",
    "Mse",
    "Never",
    "Objective",
    "Pairing",
    "ParameterProximal",
    "Passes",
    "PcGrad",
    "PcGradAtEpochEnd",
    "Proximal",
    "RDrop",
    "RandomAnswer",
    "Recipe",
    "Regularizer",
    "Reviews",
    "Rotating",
    "RoundRobin",
    "Routing",
    "Schedule",
    "Selection",
    "Sequential",
    "SettingError",
    "Single",
    "Sizes",
    "Smart",
    "Step",
    "Sum",
    "Task",
    "Technique",
    "Tiny",
    "Together",
    "Tokens",
    "TorchJd",
    "WeakestLast",
]
