"""Constraints, regularizers, and the initializers that do not draw random numbers."""

from parity.harness import ValueCase, numbers

W, KERNEL = 2 * numbers((5, 4), 1), 2 * numbers((3, 3, 2, 4), 2)


def constraint(cls, **arguments):
    return lambda k, w: getattr(k.constraints, cls)(**arguments)(w)


def regularizer(cls, **arguments):
    return lambda k, w: getattr(k.regularizers, cls)(**arguments)(k.ops.convert_to_tensor(w))


def initializer(cls, shape, **arguments):
    return lambda k: getattr(k.initializers, cls)(**arguments)(shape)


CASES = [
    ValueCase("max_norm", constraint("MaxNorm"), [W]),
    ValueCase("max_norm_value", constraint("MaxNorm", max_value=0.7), [W]),
    ValueCase("max_norm_axis", constraint("MaxNorm", max_value=0.7, axis=1), [W]),
    ValueCase("max_norm_kernel", constraint("MaxNorm", max_value=0.7, axis=[0, 1, 2]), [KERNEL]),
    ValueCase("min_max_norm", constraint("MinMaxNorm"), [W]),
    ValueCase("min_max_norm_values", constraint("MinMaxNorm", min_value=3.0, max_value=4.0), [W]),
    ValueCase("min_max_norm_rate", constraint("MinMaxNorm", min_value=3.0, max_value=4.0, rate=0.3), [W]),
    ValueCase("min_max_norm_axis", constraint("MinMaxNorm", min_value=3.0, max_value=4.0, axis=1), [W]),
    ValueCase("unit_norm", constraint("UnitNorm"), [W]),
    ValueCase("unit_norm_axis", constraint("UnitNorm", axis=1), [W]),
    ValueCase("unit_norm_kernel", constraint("UnitNorm", axis=[0, 1, 2]), [KERNEL]),
    ValueCase("non_neg", constraint("NonNeg"), [W]),
    ValueCase("l1", regularizer("L1"), [W]),
    ValueCase("l1_factor", regularizer("L1", l1=0.3), [W]),
    ValueCase("l2", regularizer("L2"), [W]),
    ValueCase("l2_factor", regularizer("L2", l2=0.3), [KERNEL]),
    ValueCase("l1_l2", regularizer("L1L2"), [W]),
    ValueCase("l1_l2_factors", regularizer("L1L2", l1=0.2, l2=0.3), [W]),
    ValueCase("orthogonal_rows", regularizer("OrthogonalRegularizer"), [W]),
    ValueCase("orthogonal_columns", regularizer("OrthogonalRegularizer", factor=0.5, mode="columns"), [W]),
    ValueCase("zeros", initializer("Zeros", (2, 3))),
    ValueCase("ones", initializer("Ones", (2, 3))),
    ValueCase("constant", initializer("Constant", (2, 3), value=0.7)),
    ValueCase("identity", initializer("Identity", (3, 3))),
    ValueCase("identity_gain", initializer("Identity", (2, 4), gain=2.5)),
]
