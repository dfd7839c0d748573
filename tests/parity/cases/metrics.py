"""Every metric and every argument of one, over several batches, with and without weights."""

import numpy as np
from parity.harness import MetricCase, ValueCase, integers, numbers, probabilities

N, C = 12, 4
Y, P = numbers((N, C), 1), numbers((N, C), 2)
PROB, DIST = probabilities((N, C), 3), probabilities((N, C), 4)
IDS = integers((N,), C, 5)
ONE_HOT = np.eye(C, dtype=np.float32)[IDS]
SIGMOID = (1 / (1 + np.exp(-P))).astype(np.float32)
BITS = integers((N, C), 2, 6).astype(np.float32)
SIGNS = 2 * BITS - 1
W = np.abs(numbers((N,), 7))
W_INT = integers((N,), 4, 8)
SEQUENCE, SEQUENCE_IDS = probabilities((4, 5, C), 9), integers((4, 5), C, 10)
GUESSES = integers((N,), C, 11)
FAR_IDS = np.where(IDS == 3, 255, IDS).astype(np.int32)
PIXELS, PIXEL_IDS = probabilities((3, 4, 4, C), 12), integers((3, 4, 4), C, 13)
SERIES, SERIES_GUESS = numbers((4, 9), 14), numbers((4, 9), 15) + numbers((4, 9), 14)
TIED = np.round(SIGMOID, 1)  # many predictions at thresholds


def of(cls, **arguments):
    return lambda k: getattr(k.metrics, cls)(**arguments)


def halves(y_true, y_pred, weights=None):
    """Two batches of different size."""
    cut = 2 * len(y_true) // 3
    whole = (y_true, y_pred) if weights is None else (y_true, y_pred, weights)
    return [tuple(a[:cut] for a in whole), tuple(a[cut:] for a in whole)]


def plain_and_weighted(cls, y_true, y_pred, tag="", **arguments):
    name = cls + (f"_{tag}" if tag else "")
    return [
        MetricCase(name, of(cls, **arguments), halves(y_true, y_pred)),
        MetricCase(f"{name}_weighted", of(cls, **arguments), halves(y_true, y_pred, W[: len(y_true)])),
    ]


MEANS = {
    "MeanSquaredError": (Y, P),
    "MeanAbsoluteError": (Y, P),
    "MeanAbsolutePercentageError": (Y, P),
    "MeanSquaredLogarithmicError": (np.exp(Y), np.exp(P)),
    "RootMeanSquaredError": (Y, P),
    "LogCoshError": (Y, P),
    "CosineSimilarity": (Y, P),
    "KLDivergence": (DIST, PROB),
    "Poisson": (np.exp(Y), np.exp(P)),
    "Hinge": (SIGNS, P),
    "SquaredHinge": (BITS, P),
    "CategoricalHinge": (ONE_HOT, P),
    "BinaryCrossentropy": (BITS, SIGMOID),
    "CategoricalCrossentropy": (ONE_HOT, PROB),
    "SparseCategoricalCrossentropy": (IDS, PROB),
    "Accuracy": (IDS, GUESSES),
    "BinaryAccuracy": (BITS, SIGMOID),
    "CategoricalAccuracy": (ONE_HOT, PROB),
    "SparseCategoricalAccuracy": (IDS, PROB),
    "PearsonCorrelation": (SERIES, SERIES_GUESS),
    "ConcordanceCorrelation": (SERIES, SERIES_GUESS),
    "R2Score": (Y, Y + 0.3 * P),
    "Precision": (BITS, SIGMOID),
    "Recall": (BITS, SIGMOID),
    "TruePositives": (BITS, SIGMOID),
    "TrueNegatives": (BITS, SIGMOID),
    "FalsePositives": (BITS, SIGMOID),
    "FalseNegatives": (BITS, SIGMOID),
    "AUC": (BITS, SIGMOID),
    "F1Score": (ONE_HOT, PROB),
    "FBetaScore": (ONE_HOT, PROB),
}
FUNCTIONS = {
    "binary_accuracy": (BITS, SIGMOID),
    "categorical_accuracy": (ONE_HOT, PROB),
    "sparse_categorical_accuracy": (IDS, PROB),
    "top_k_categorical_accuracy": (ONE_HOT, PROB),
    "sparse_top_k_categorical_accuracy": (IDS, PROB),
    "pearson_correlation": (SERIES, SERIES_GUESS),
    "concordance_correlation": (SERIES, SERIES_GUESS),
    "binary_focal_crossentropy": (BITS, SIGMOID),
    "categorical_focal_crossentropy": (ONE_HOT, PROB),
}

CASES = [
    *(case for cls, arrays in MEANS.items() for case in plain_and_weighted(cls, *arrays)),
    *(
        ValueCase(f"function_{name}", lambda k, *inputs, name=name: getattr(k.metrics, name)(*inputs), arrays)
        for name, arrays in FUNCTIONS.items()
    ),
    MetricCase("Mean", of("Mean"), [(Y,), (P[:5],)]),
    MetricCase("Mean_weighted", of("Mean"), [(Y[:, 0], W), (P[:5, 0], W[:5])]),
    MetricCase("Sum", of("Sum"), [(Y,), (P[:5],)]),
    MetricCase("Sum_weighted", of("Sum"), [(Y[:, 0], W), (P[:5, 0], W[:5])]),
    MetricCase(
        "MeanMetricWrapper",
        lambda k: k.metrics.MeanMetricWrapper(k.losses.huber, name="huber", delta=0.5),
        halves(Y, P, W),
    ),
    MetricCase("cosine_axis", of("CosineSimilarity", axis=1), halves(Y, P)),
    MetricCase("pearson_axis_0", of("PearsonCorrelation", axis=0), [(SERIES, SERIES_GUESS)]),
    MetricCase("bce_logits", of("BinaryCrossentropy", from_logits=True, label_smoothing=0.1), halves(BITS, P)),
    MetricCase("cce_logits", of("CategoricalCrossentropy", from_logits=True, label_smoothing=0.1), halves(ONE_HOT, P)),
    MetricCase("scce_logits", of("SparseCategoricalCrossentropy", from_logits=True), halves(IDS, P)),
    MetricCase("scce_sequence", of("SparseCategoricalCrossentropy"), halves(SEQUENCE_IDS, SEQUENCE)),
    MetricCase("sparse_accuracy_sequence", of("SparseCategoricalAccuracy"), halves(SEQUENCE_IDS, SEQUENCE)),
    MetricCase("sparse_accuracy_column", of("SparseCategoricalAccuracy"), halves(IDS[:, None], PROB, W)),
    MetricCase("binary_accuracy_threshold", of("BinaryAccuracy", threshold=0.3), halves(BITS, SIGMOID)),
    MetricCase("top_2", of("TopKCategoricalAccuracy", k=2), halves(ONE_HOT, PROB, W)),
    MetricCase("sparse_top_2", of("SparseTopKCategoricalAccuracy", k=2), halves(IDS, PROB)),
    MetricCase(
        "sparse_top_sorted",
        of("SparseTopKCategoricalAccuracy", k=2, from_sorted_ids=True),
        halves(IDS, np.argsort(-PROB, axis=1).astype(np.float32)),
    ),
    *plain_and_weighted("Precision", BITS, SIGMOID, "thresholds", thresholds=[0.2, 0.5, 0.9]),
    *plain_and_weighted("Recall", BITS, SIGMOID, "thresholds", thresholds=[0.2, 0.5, 0.9]),
    *plain_and_weighted("Precision", BITS, TIED, "even", thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]),
    *plain_and_weighted("Precision", ONE_HOT, PROB, "top_2", top_k=2),
    *plain_and_weighted("Recall", ONE_HOT, PROB, "top_2", top_k=2),
    *plain_and_weighted("Precision", BITS, SIGMOID, "class", class_id=1),
    MetricCase("recall_class_top", of("Recall", top_k=2, class_id=2), halves(ONE_HOT, PROB)),
    MetricCase("precision_flat", of("Precision"), halves(BITS[:, 0], SIGMOID[:, 0], W)),
    MetricCase("true_positives_thresholds", of("TruePositives", thresholds=[0.1, 0.6]), halves(BITS, TIED)),
    MetricCase("sensitivity", of("SensitivityAtSpecificity", specificity=0.5), halves(BITS, SIGMOID, W)),
    MetricCase(
        "sensitivity_11", of("SensitivityAtSpecificity", specificity=0.3, num_thresholds=11), halves(BITS, TIED)
    ),
    MetricCase("sensitivity_1", of("SensitivityAtSpecificity", specificity=0.3, num_thresholds=1), halves(BITS, TIED)),
    MetricCase("specificity", of("SpecificityAtSensitivity", sensitivity=0.5), halves(BITS, SIGMOID, W)),
    MetricCase("precision_at", of("PrecisionAtRecall", recall=0.4), halves(BITS, SIGMOID)),
    MetricCase("precision_at_class", of("PrecisionAtRecall", recall=0.4, class_id=2), halves(BITS, SIGMOID)),
    MetricCase("recall_at", of("RecallAtPrecision", precision=0.55), halves(BITS, SIGMOID)),
    MetricCase("recall_at_none", of("RecallAtPrecision", precision=1.0), halves(BITS, 1 - BITS)),
    *(
        MetricCase(
            f"auc_{curve}_{method}",
            of("AUC", curve=curve, summation_method=method),
            halves(BITS, SIGMOID, W),
        )
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
    ),
    MetricCase("auc_5", of("AUC", num_thresholds=5), halves(BITS, TIED)),
    MetricCase("auc_thresholds", of("AUC", thresholds=[0.1, 0.35, 0.8]), halves(BITS, TIED)),
    MetricCase("auc_logits", of("AUC", from_logits=True), halves(BITS, P)),
    MetricCase("auc_multi", of("AUC", multi_label=True), halves(BITS, SIGMOID)),
    MetricCase("auc_multi_pr", of("AUC", multi_label=True, curve="PR"), halves(BITS, SIGMOID)),
    MetricCase(
        "auc_multi_weights",
        of("AUC", multi_label=True, num_labels=C, label_weights=[0.1, 0.2, 0.3, 0.4]),
        halves(BITS, SIGMOID),
    ),
    MetricCase("auc_multi_thresholds", of("AUC", multi_label=True, thresholds=[0.3, 0.7]), halves(BITS, TIED)),
    MetricCase("auc_label_weights", of("AUC", label_weights=[0.1, 0.2, 0.3, 0.4]), halves(BITS, SIGMOID)),
    *(MetricCase(f"f1_{a}", of("F1Score", average=a), halves(ONE_HOT, PROB)) for a in ("micro", "macro", "weighted")),
    MetricCase("f1_threshold", of("F1Score", threshold=0.4), halves(BITS, SIGMOID)),
    MetricCase("fbeta_2", of("FBetaScore", beta=2.0, average="weighted"), halves(ONE_HOT, PROB, W)),
    MetricCase("iou", of("IoU", num_classes=C, target_class_ids=[0, 2]), halves(IDS, GUESSES)),
    MetricCase("iou_int_weights", of("IoU", num_classes=C, target_class_ids=[1]), halves(IDS, GUESSES, W_INT)),
    MetricCase("mean_iou", of("MeanIoU", num_classes=C), halves(IDS, GUESSES)),
    MetricCase("mean_iou_float", of("MeanIoU", num_classes=C, dtype="float32"), halves(IDS, GUESSES, W)),
    MetricCase("mean_iou_absent", of("MeanIoU", num_classes=C + 2), halves(IDS, GUESSES)),
    MetricCase("mean_iou_ignore", of("MeanIoU", num_classes=C, ignore_class=1), halves(IDS, GUESSES)),
    MetricCase("mean_iou_ignore_far", of("MeanIoU", num_classes=C, ignore_class=255), halves(FAR_IDS, GUESSES)),
    MetricCase("mean_iou_out_of_range", of("MeanIoU", num_classes=3), halves(IDS, GUESSES)),
    MetricCase("mean_iou_scores", of("MeanIoU", num_classes=C, sparse_y_pred=False), halves(PIXEL_IDS, PIXELS)),
    MetricCase("binary_iou", of("BinaryIoU", target_class_ids=[0, 1]), halves(BITS, SIGMOID)),
    MetricCase("binary_iou_threshold", of("BinaryIoU", target_class_ids=[1], threshold=0.3), halves(BITS, SIGMOID)),
    MetricCase("one_hot_iou", of("OneHotIoU", num_classes=C, target_class_ids=[0, 3]), halves(ONE_HOT, PROB)),
    MetricCase("one_hot_mean_iou", of("OneHotMeanIoU", num_classes=C), halves(ONE_HOT, PROB)),
    MetricCase(
        "one_hot_mean_iou_sparse", of("OneHotMeanIoU", num_classes=C, sparse_y_pred=True), halves(ONE_HOT, GUESSES)
    ),
    *(
        MetricCase(f"r2_{name}", of("R2Score", class_aggregation=how, num_regressors=p), halves(Y, Y + 0.3 * P, W))
        for name, how, p in (
            ("none", None, 0),
            ("variance", "variance_weighted_average", 0),
            ("adjusted", "uniform_average", 2),
        )
    ),
]
