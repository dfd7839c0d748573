"""Every loss and every argument of one: values, gradients, reductions and sample weights."""

import numpy as np
from parity.harness import LossCase, ValueCase, integers, numbers, probabilities

N, C = 6, 4
Y, P = numbers((N, C), 1), numbers((N, C), 2)  # real numbers
PROB, DIST = probabilities((N, C), 3), probabilities((N, C), 4)
IDS = integers((N,), C, 5)
ONE_HOT = np.eye(C, dtype=np.float32)[IDS]
SIGMOID = (1 / (1 + np.exp(-P))).astype(np.float32)
BITS = integers((N, C), 2, 6).astype(np.float32)
SIGNS = 2 * BITS - 1
W = np.array([1.0, 0.0, 2.0, 0.5, 3.0, 1.0], np.float32)
W_EACH = np.abs(numbers((3, 5), 7))
SEQUENCE, SEQUENCE_IDS = probabilities((3, 5, C), 8), integers((3, 5), C, 9)
SEQUENCE_ONE_HOT = np.eye(C, dtype=np.float32)[SEQUENCE_IDS]
SOME_IGNORED = np.where(SEQUENCE_IDS == 1, -1, SEQUENCE_IDS).astype(np.int32)
SEQUENCE_LOGITS = numbers((3, 5, C), 10)
FRONT = np.moveaxis(SEQUENCE, -1, 1).copy()  # classes along axis 1
MASKS, PIXELS = integers((2, 3, 3, 2), 2, 11).astype(np.float32), probabilities((2, 3, 3, 2), 12)
FACES = np.array([0, 1, 0, 2, 1, 1], np.int32)
SPELLED, SOUND = np.array([[1, 2, 2, 0], [3, 0, 0, 0], [1, 2, 1, 3]], np.int32), numbers((3, 8, C), 13)
UNIT = (P / np.linalg.norm(P, axis=1, keepdims=True)).astype(np.float32)
REDUCTIONS = ["sum", "mean", "sum_over_batch_size", "mean_with_sample_weight"]
FUNCTIONS = {
    "mean_squared_error": (Y, P),
    "mean_absolute_error": (Y, P),
    "mean_absolute_percentage_error": (Y, P),
    "mean_squared_logarithmic_error": (np.exp(Y), np.exp(P)),
    "huber": (3 * Y, P),
    "log_cosh": (3 * Y, P),
    "cosine_similarity": (Y, P),
    "kl_divergence": (DIST, PROB),
    "poisson": (np.exp(Y), np.exp(P)),
    "hinge": (SIGNS, P),
    "squared_hinge": (BITS, P),
    "categorical_hinge": (ONE_HOT, P),
    "binary_crossentropy": (BITS, SIGMOID),
    "binary_focal_crossentropy": (BITS, SIGMOID),
    "categorical_crossentropy": (ONE_HOT, PROB),
    "categorical_focal_crossentropy": (ONE_HOT, PROB),
    "sparse_categorical_crossentropy": (IDS, PROB),
    "dice": (BITS, SIGMOID),
    "tversky": (BITS, SIGMOID),
    "circle": (FACES, UNIT),
}
CLASSES = {
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "Huber": "huber",
    "LogCosh": "log_cosh",
    "CosineSimilarity": "cosine_similarity",
    "KLDivergence": "kl_divergence",
    "Poisson": "poisson",
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge",
    "BinaryCrossentropy": "binary_crossentropy",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "Dice": "dice",
    "Tversky": "tversky",
    "Circle": "circle",
}


def of(cls, **arguments):
    return lambda k: getattr(k.losses, cls)(**arguments)


def function(name, **arguments):
    return lambda k, *inputs: getattr(k.losses, name)(*inputs, **arguments)


def unreduced(cls, weights):
    return lambda k, t, p: getattr(k.losses, cls)(reduction=None)(t, p, sample_weight=weights)


CASES = [
    *(ValueCase(f"function_{name}", function(name), inputs) for name, inputs in FUNCTIONS.items()),
    *(LossCase(cls, of(cls), *FUNCTIONS[name], rtol=1e-4, atol=1e-5) for cls, name in CLASSES.items()),
    *(
        LossCase(f"{cls}_weighted", of(cls), *FUNCTIONS[name], sample_weight=W, rtol=1e-4, atol=1e-5)
        for cls, name in CLASSES.items()
        if cls not in ("Circle", "MeanAbsolutePercentageError")
    ),
    *(LossCase(f"mse_{r}_weighted", of("MeanSquaredError", reduction=r), Y, P, sample_weight=W) for r in REDUCTIONS),
    *(LossCase(f"mse_{r}", of("MeanSquaredError", reduction=r), Y, P) for r in REDUCTIONS),
    ValueCase("mse_none", unreduced("MeanSquaredError", None), [Y, P]),
    ValueCase("mse_none_weighted", unreduced("MeanSquaredError", W), [Y, P]),
    ValueCase("mse_labels_without_axis", lambda k, t, p: k.losses.MeanSquaredError()(t, p), [Y[:, 0], P[:, :1]]),
    LossCase("huber_delta", of("Huber", delta=0.3), Y, P),
    LossCase("cosine_axis_0", of("CosineSimilarity", axis=0), Y, P),
    LossCase("bce_logits", of("BinaryCrossentropy", from_logits=True), BITS, P),
    LossCase("bce_smooth", of("BinaryCrossentropy", label_smoothing=0.2), BITS, SIGMOID),
    LossCase("bce_logits_smooth", of("BinaryCrossentropy", from_logits=True, label_smoothing=0.2), BITS, P),
    LossCase("bce_axis_0", of("BinaryCrossentropy", axis=0), BITS, SIGMOID),
    ValueCase("bce_certain", function("binary_crossentropy"), [BITS, np.round(SIGMOID)]),
    LossCase("focal_gamma", of("BinaryFocalCrossentropy", gamma=3.5), BITS, SIGMOID),
    LossCase("focal_balanced", of("BinaryFocalCrossentropy", apply_class_balancing=True), BITS, SIGMOID),
    LossCase("focal_alpha", of("BinaryFocalCrossentropy", apply_class_balancing=True, alpha=0.7), BITS, SIGMOID),
    LossCase("focal_logits", of("BinaryFocalCrossentropy", from_logits=True), BITS, P),
    LossCase("focal_smooth", of("BinaryFocalCrossentropy", label_smoothing=0.1), BITS, SIGMOID),
    LossCase("focal_axis_0", of("BinaryFocalCrossentropy", axis=0), BITS, SIGMOID),
    LossCase("cce_logits", of("CategoricalCrossentropy", from_logits=True), ONE_HOT, P),
    LossCase("cce_smooth", of("CategoricalCrossentropy", label_smoothing=0.3), ONE_HOT, PROB),
    LossCase("cce_logits_smooth", of("CategoricalCrossentropy", from_logits=True, label_smoothing=0.3), ONE_HOT, P),
    LossCase("cce_sequence", of("CategoricalCrossentropy"), SEQUENCE_ONE_HOT, SEQUENCE),
    LossCase("cce_sequence_weighted", of("CategoricalCrossentropy"), SEQUENCE_ONE_HOT, SEQUENCE, W_EACH),
    LossCase("cce_unnormalised", of("CategoricalCrossentropy"), ONE_HOT, SIGMOID, rtol=1e-4),
    ValueCase(
        "cce_axis_1", function("categorical_crossentropy", axis=1), [np.moveaxis(SEQUENCE_ONE_HOT, -1, 1), FRONT]
    ),
    LossCase("cfocal_alpha", of("CategoricalFocalCrossentropy", alpha=0.6), ONE_HOT, PROB),
    LossCase("cfocal_alphas", of("CategoricalFocalCrossentropy", alpha=[0.1, 0.2, 0.3, 0.4]), ONE_HOT, PROB),
    LossCase("cfocal_gamma", of("CategoricalFocalCrossentropy", gamma=1.5), ONE_HOT, PROB),
    LossCase("cfocal_logits", of("CategoricalFocalCrossentropy", from_logits=True), ONE_HOT, P),
    LossCase("cfocal_smooth", of("CategoricalFocalCrossentropy", label_smoothing=0.1), ONE_HOT, PROB),
    ValueCase(
        "cfocal_axis_1",
        function("categorical_focal_crossentropy", axis=1),
        [np.moveaxis(SEQUENCE_ONE_HOT, -1, 1), FRONT],
    ),
    LossCase("sparse_logits", of("SparseCategoricalCrossentropy", from_logits=True), IDS, P),
    LossCase("sparse_column", of("SparseCategoricalCrossentropy"), IDS[:, None], PROB),
    LossCase("sparse_sequence", of("SparseCategoricalCrossentropy"), SEQUENCE_IDS, SEQUENCE),
    LossCase("sparse_sequence_weighted", of("SparseCategoricalCrossentropy"), SEQUENCE_IDS, SEQUENCE, W_EACH),
    LossCase("sparse_ignore", of("SparseCategoricalCrossentropy", ignore_class=2), SEQUENCE_IDS, SEQUENCE),
    LossCase("sparse_ignore_minus_1", of("SparseCategoricalCrossentropy", ignore_class=-1), SOME_IGNORED, SEQUENCE),
    LossCase(
        "sparse_ignore_logits",
        of("SparseCategoricalCrossentropy", ignore_class=-1, from_logits=True),
        SOME_IGNORED,
        SEQUENCE_LOGITS,
    ),
    LossCase(
        "sparse_ignore_sum",
        of("SparseCategoricalCrossentropy", ignore_class=-1, reduction="sum"),
        SOME_IGNORED,
        SEQUENCE,
    ),
    LossCase(
        "sparse_ignore_weighted", of("SparseCategoricalCrossentropy", ignore_class=-1), SOME_IGNORED, SEQUENCE, W_EACH
    ),
    LossCase("generalized", of("CategoricalGeneralizedCrossEntropy"), IDS, PROB),
    LossCase("generalized_q", of("CategoricalGeneralizedCrossEntropy", q=0.9), IDS, PROB),
    LossCase("generalized_weighted", of("CategoricalGeneralizedCrossEntropy"), IDS, PROB, W),
    LossCase("dice_axis", of("Dice", axis=(1, 2, 3)), MASKS, PIXELS),
    LossCase("dice_axis_none_reduction", of("Dice", axis=(1, 2), reduction="sum"), MASKS, PIXELS),
    LossCase("tversky_alpha_beta", of("Tversky", alpha=0.2, beta=0.8), MASKS, PIXELS),
    LossCase("tversky_axis", of("Tversky", axis=(1, 2, 3)), MASKS, PIXELS),
    LossCase("circle_gamma", of("Circle", gamma=20.0), FACES, UNIT, rtol=1e-4, atol=1e-5),
    LossCase("circle_margin", of("Circle", margin=0.25), FACES, UNIT, rtol=1e-4, atol=1e-5),
    LossCase("circle_diagonal", of("Circle", remove_diagonal=False), FACES, UNIT, rtol=1e-4, atol=1e-5),
    ValueCase(
        "circle_references",
        lambda k, t, p, labels, refs: k.losses.circle(
            t, p, ref_labels=labels, ref_embeddings=refs, remove_diagonal=False
        ),
        [FACES, UNIT, FACES[::-1].copy(), UNIT[::-1].copy()],
        rtol=1e-4,
    ),
    LossCase("ctc", of("CTC"), SPELLED, SOUND, rtol=1e-4, atol=1e-5),
    LossCase("ctc_weighted", of("CTC"), SPELLED, SOUND, np.array([1.0, 0.0, 2.0], np.float32), rtol=1e-4, atol=1e-5),
    ValueCase("function_ctc", function("ctc"), [SPELLED, SOUND], rtol=1e-4),
]
