"""The places where a technique plugs in, and what passes through them. One base class per axis of an ablation."""

from model.interfaces.branch import ExtraData, Head, Pairing
from model.interfaces.combiner import Combiner
from model.interfaces.encoder import Encoder
from model.interfaces.network import SharedNetwork
from model.interfaces.objective import Objective
from model.interfaces.regularizer import ActiveRegularizer, DropoutPolicy, Forward, Regularizer
from model.interfaces.schedule import History, LrSchedule, Schedule, Sizes, Step
from model.interfaces.tensors import Batch, Encoded, Tokens

__all__ = [
    "ActiveRegularizer",
    "Batch",
    "Combiner",
    "DropoutPolicy",
    "Encoded",
    "Encoder",
    "ExtraData",
    "Forward",
    "Head",
    "History",
    "LrSchedule",
    "Objective",
    "Pairing",
    "Regularizer",
    "Schedule",
    "SharedNetwork",
    "Sizes",
    "Step",
    "Tokens",
]
