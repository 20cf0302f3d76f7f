"""How strong SMART must be, and how far it must look, to help: equation 1 on every task with momentum BPPO."""

from __future__ import annotations

from experiments.search_space import Trial
from experiments.shared import LEARNING_RATE
from experiments.study import Start, Study
from experiments.suite import Change
from model.regularizers.proximal import MomentumProximal
from model.regularizers.smart import Smart


def suggest(trial: Trial) -> tuple[Change, ...]:
    strength = trial.suggest_float("lambda_s", 0.01, 100, log=True)  # lambda_s, weight of the adversarial part
    nearness = trial.suggest_float("mu", 0.01, 100, log=True)  # mu, weight of the proximal part
    # epsilon, how far an embedding moves: below 1e-3 the penalty's gradient is next to nothing
    radius = trial.suggest_float("epsilon", 1e-5, 1e-1, log=True)
    step = trial.suggest_float("eta", 1e-4, 1e-1, log=True)  # eta, the step along the gradient
    noise = trial.suggest_float("sigma", 1e-6, 1e-2, log=True)  # sigma, standard deviation of the first noise
    adversary = Smart(weight=strength, radius=radius, step_size=step, noise_scale=noise)
    says = f"lambda_s {strength:.3g}, epsilon {radius:.3g}, eta {step:.3g}, sigma {noise:.3g}"
    return (
        Change("smart", f"SMART (equation 1) on every task: {says}", (("smart", adversary),)),
        Change(
            "bppo",
            f"proximal point, momentum form: mu {nearness:.3g}",
            (("momentum_proximal", MomentumProximal(weight=nearness)),),
        ),
    )


STUDY = Study(
    name="smart",
    says="SMART and BPPO on every task: their weights, how far embeddings move, and the learning rate",
    row="bertram/table1/04-all-three",
    suggest=suggest,
    shared=(LEARNING_RATE,),
    starts=(
        Start(
            name="smooth-valleys",
            says="lambda_s, mu, epsilon, eta, sigma and the rate are printed (smooth-valleys). Its beta of .995 gives "
            "way to the schedule of Jiang et al., as in every trial.",
            params={"lambda_s": 1.0, "mu": 1.0, "epsilon": 1e-5, "eta": 1e-3, "sigma": 1e-6, "lr": 1e-5},
        ),
        Start(
            name="bertram",
            says="lambda_s, mu, epsilon, sigma and the rate are printed (bertram, on SST alone and with basic BPPO). "
            "Its eta is not; that of Jiang et al. stands in.",
            params={"lambda_s": 1.0, "mu": 1.0, "epsilon": 1e-5, "eta": 1e-3, "sigma": 1e-5, "lr": 1e-5},
        ),
    ),
)
