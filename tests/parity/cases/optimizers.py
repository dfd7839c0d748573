"""Every optimizer, every argument of one, and what all have in common: the losses and weights of some steps."""

from parity.harness import OptimizerCase

CLASSES = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Nadam",
    "RMSprop",
]
COMMON = {
    "decay": {"weight_decay": 0.05},
    "clipnorm": {"clipnorm": 0.1},
    "clipvalue": {"clipvalue": 0.02},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "ema": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
    "accumulation": {"gradient_accumulation_steps": 2},
}


def of(cls, learning_rate=0.05, **arguments):
    return lambda k: getattr(k.optimizers, cls)(learning_rate, **arguments)


def scheduled(cls, schedule, *arguments):
    return lambda k: getattr(k.optimizers, cls)(getattr(k.optimizers.schedules, schedule)(*arguments))


CASES = [
    *(OptimizerCase(cls, lambda k, cls=cls: getattr(k.optimizers, cls)()) for cls in CLASSES),
    *(OptimizerCase(f"{cls}_rate", of(cls)) for cls in CLASSES),
    *(
        OptimizerCase(f"{cls}_{name}", of(cls, **arguments))
        for cls in ("SGD", "Adam", "Nadam", "Lion", "Adadelta", "Lamb")
        for name, arguments in COMMON.items()
    ),
    OptimizerCase("Adamax_accumulation", of("Adamax", gradient_accumulation_steps=2)),
    OptimizerCase("Ftrl_global_clipnorm", of("Ftrl", global_clipnorm=0.1)),
    OptimizerCase("Adafactor_decay", of("Adafactor", weight_decay=0.05)),
    OptimizerCase("RMSprop_decay", of("RMSprop", weight_decay=0.05)),
    OptimizerCase("Adagrad_decay", of("Adagrad", weight_decay=0.05)),
    OptimizerCase("SGD_momentum", of("SGD", momentum=0.9)),
    OptimizerCase("SGD_nesterov", of("SGD", momentum=0.9, nesterov=True)),
    OptimizerCase("SGD_constraint", of("SGD"), constraint="unit_norm"),
    OptimizerCase("SGD_loss_scale", of("SGD", loss_scale_factor=8.0)),
    OptimizerCase("Adam_betas", of("Adam", beta_1=0.8, beta_2=0.95, epsilon=1e-3)),
    OptimizerCase("Adam_amsgrad", of("Adam", amsgrad=True)),
    OptimizerCase("Adam_constraint", of("Adam"), constraint="non_neg"),
    OptimizerCase("AdamW_decay", of("AdamW", weight_decay=0.1)),
    OptimizerCase("AdamW_amsgrad", of("AdamW", amsgrad=True)),
    OptimizerCase("Adadelta_rho", of("Adadelta", rho=0.8, epsilon=1e-4)),
    OptimizerCase("Adadelta_one", of("Adadelta", learning_rate=1.0)),
    OptimizerCase("Adagrad_start", of("Adagrad", initial_accumulator_value=0.5, epsilon=1e-3)),
    OptimizerCase("Adamax_betas", of("Adamax", beta_1=0.8, beta_2=0.9, epsilon=1e-2)),
    OptimizerCase("Nadam_betas", of("Nadam", beta_1=0.8, beta_2=0.95, epsilon=1e-2)),
    OptimizerCase("Lion_betas", of("Lion", learning_rate=0.01, beta_1=0.7, beta_2=0.8)),
    OptimizerCase("Lamb_betas", of("Lamb", beta_1=0.8, beta_2=0.95, epsilon=1e-2)),
    OptimizerCase("Ftrl_power", of("Ftrl", learning_rate_power=-0.7)),
    OptimizerCase("Ftrl_start", of("Ftrl", initial_accumulator_value=0.5)),
    OptimizerCase("Ftrl_l1", of("Ftrl", l1_regularization_strength=0.1)),
    OptimizerCase("Ftrl_l2", of("Ftrl", l2_regularization_strength=0.1)),
    OptimizerCase("Ftrl_shrinkage", of("Ftrl", l2_shrinkage_regularization_strength=0.1)),
    OptimizerCase("Ftrl_beta", of("Ftrl", beta=0.3)),
    OptimizerCase("Adafactor_decay_rate", of("Adafactor", beta_2_decay=-0.5, clip_threshold=0.5)),
    OptimizerCase("Adafactor_epsilon", of("Adafactor", epsilon_2=0.5)),
    OptimizerCase("Adafactor_absolute", of("Adafactor", relative_step=False)),
    OptimizerCase("RMSprop_rho", of("RMSprop", rho=0.7, epsilon=1e-3)),
    OptimizerCase("RMSprop_momentum", of("RMSprop", learning_rate=0.01, momentum=0.9)),
    OptimizerCase("RMSprop_centered", of("RMSprop", learning_rate=0.01, centered=True), rtol=2e-4, atol=2e-5),
    OptimizerCase("SGD_exponential", scheduled("SGD", "ExponentialDecay", 0.1, 2, 0.5)),
    OptimizerCase("Nadam_cosine", scheduled("Nadam", "CosineDecay", 0.1, 4)),
    OptimizerCase("Lion_restarts", scheduled("Lion", "CosineDecayRestarts", 0.02, 2)),
]
