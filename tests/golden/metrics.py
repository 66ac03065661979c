"""Makes metrics.json: the numbers of scikit-learn 1.9 for the scores and targets that the file has too.

python metrics.py > metrics.json
"""
import json
import warnings

import numpy as np
from scipy.special import softmax
from sklearn import metrics

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)


def rounded(array):
    """Few digits: some scores are equal, and all are exact in `f32`."""
    return np.round(array * 64) / 64


# Four classes, of which the last never occurs and is never guessed; the third one is never guessed.
right = rng.integers(0, 3, 50)
scores = rounded(rng.normal(size=(50, 4)) + 2 * np.eye(4)[right])
scores[:, 2] = scores.min() - 1 + rng.permutation(50) / 64
scores[:, 3] = scores.min() - 2
guess = scores.argmax(1)

# Three classes whose scores have no ties in an item.
many = rng.integers(0, 3, 60)
many_scores = rng.normal(size=(60, 3)) * 2 + np.eye(3)[many]
many_scores = np.float32(many_scores).astype(np.float64)

# Two classes, as two scores and as one, with ties.
two = rng.integers(0, 2, 40)
one_score = rounded(np.round(rng.normal(size=40) + two, 1))
two_scores = np.stack([np.zeros(40), one_score], 1)

# Numbers in two columns, far from zero.
numbers = rounded(rng.normal(size=(30, 2)) * [1, 5] + [1000, -3])
predicted = rounded(numbers + rng.normal(size=(30, 2)))

shares = {}
for average in ["macro", "micro", "weighted"]:
    shares[f"precision_{average}"] = metrics.precision_score(right, guess, average=average)
    shares[f"recall_{average}"] = metrics.recall_score(right, guess, average=average)
    for beta in [1.0, 0.5, 2.0]:
        shares[f"f{beta:g}_{average}"] = metrics.fbeta_score(right, guess, beta=beta, average=average)
of_one = guess == 1
shares["precision_1"] = metrics.precision_score(right == 1, of_one)
shares["recall_1"] = metrics.recall_score(right == 1, of_one)
shares["f1_1"] = metrics.f1_score(right == 1, of_one)

print(json.dumps({
    "scores": scores.tolist(),
    "right": right.tolist(),
    "shares": shares,
    "confusion": metrics.confusion_matrix(right, guess, labels=[0, 1, 2, 3]).tolist(),
    "many_scores": many_scores.tolist(),
    "many": many.tolist(),
    "top_1": metrics.top_k_accuracy_score(many, many_scores, k=1),
    "top_2": metrics.top_k_accuracy_score(many, many_scores, k=2),
    "auc_many": metrics.roc_auc_score(many, softmax(many_scores, 1), multi_class="ovr"),
    "perplexity": float(np.exp(metrics.log_loss(many, softmax(many_scores, 1)))),
    "two_scores": two_scores.tolist(),
    "two": two.tolist(),
    "auc_two": metrics.roc_auc_score(two, one_score),
    "numbers": numbers.tolist(),
    "predicted": predicted.tolist(),
    "rmse": float(np.sqrt(metrics.mean_squared_error(numbers, predicted))),
    "mse": metrics.mean_squared_error(numbers, predicted),
    "mae": metrics.mean_absolute_error(numbers, predicted),
    "r2": metrics.r2_score(numbers, predicted),
}))
