"""Parameters and attributes of the estimators for raw tables, beside those that they share with the others."""

from numbers import Integral

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skmlp.estimators.parameters import FIRST_ORDER_SOLVERS, PARAMETERS, Parameter

# What a member is told by the estimator, or has no use for.
WITHOUT = ("early_stopping", "validation_fraction", "restore_best", "warm_start", "max_fun")

TABULAR = {name: parameter for name, parameter in PARAMETERS.items() if name not in WITHOUT} | {
    "categorical_features": Parameter(
        "'from_dtype', array-like or None, default='from_dtype'",
        "Which columns hold categories: names, numbers or a mask; 'from_dtype': those of categorical, string or "
        "boolean dtype. See :class:`TabularEncoder`, as for the next three.",
        [StrOptions({"from_dtype"}), "array-like", None],
    ),
    "numeric_scaling": Parameter(
        "{'robust', 'standard', 'quantile'}, default='robust'",
        "How columns of numbers are scaled.",
        [StrOptions({"robust", "standard", "quantile"})],
    ),
    "n_bins": Parameter(
        "int >= 2 or None, default=16",
        "Bins of the piecewise-linear encoding that each column of numbers gets beside its scaled self; None: no such.",
        [Interval(Integral, 2, None, closed="left"), None],
    ),
    "max_categories": Parameter(
        "int >= 1 or None, default=32",
        "Most indicator columns of a column of categories; the rarest share the last one.",
        [Interval(Integral, 1, None, closed="left"), None],
    ),
    "n_estimators": Parameter(
        "int >= 1, default=8",
        "Members of the ensemble. More than there are folds: with ``cv`` a number the rows are shuffled into new "
        "ones, else the folds come again.",
        [Interval(Integral, 1, None, closed="left")],
    ),
    "cv": Parameter(
        "int >= 2, splitter or list of pairs, default=8",
        "Folds of which each member holds one out: their number (stratified by class), a splitter of scikit-learn, or "
        "pairs of arrays, the rows to train on and the rows to hold out.",
        [Interval(Integral, 2, None, closed="left"), HasMethods(["split", "get_n_splits"]), "array-like"],
    ),
    "calibrate": Parameter(
        "bool, default=True",
        "Whether the rows that were held out set the temperature of predicted probabilities, and the offsets of "
        "predicted quantiles.",
        ["boolean"],
    ),
    "pickle_oof": Parameter(
        "bool, default=False",
        "Whether a pickle or a saved file holds ``oof_prediction_``, as long as the training data.",
        ["boolean"],
    ),
    "delta": PARAMETERS["delta"]._replace(
        doc="Residual, in standard deviations of y, from which on the Huber loss is linear."
    ),
    "label_smoothing": PARAMETERS["label_smoothing"]._replace(
        doc="Share of each target that is spread evenly over the classes; with loss='log_loss' only."
    ),
    "max_time": Parameter(
        PARAMETERS["max_time"].kind,
        "Seconds for the whole fit: members share them, and each ends with its best epoch so far. Each is trained for "
        "an epoch at least.",
        PARAMETERS["max_time"].constraint,
    ),
    "max_iter": PARAMETERS["max_iter"]._replace(doc="Most epochs of a member."),
    "feature_rate": PARAMETERS["feature_rate"]._replace(
        doc="With a number each encoded column is multiplied by a learned scale, and this is the factor of the "
        "learning rate of those; None: no such scales."
    ),
    "random_state": PARAMETERS["random_state"]._replace(
        doc="Seed of folds, initial values and shuffles. An integer makes fits bit-identical."
    ),
    "metrics": PARAMETERS["metrics"]._replace(
        doc=PARAMETERS["metrics"].doc + " Members measure them on standardised targets, ``evaluate`` in units of y."
    ),
    "dtype": Parameter(
        "{'auto', 'float32', 'float64'}, default='auto'",
        "Of the encoded table, parameters and arithmetic; 'auto': float32.",
        [StrOptions({"auto", "float32", "float64"})],
    ),
    "n_jobs": PARAMETERS["n_jobs"]._replace(
        doc="Most threads, -1 for all cores; None: the cores that are free. Each trains one member after the other. "
        "Their number changes no bit of a result."
    ),
    "solver": Parameter(
        PARAMETERS["solver"].kind.replace(", 'lbfgs'", ""), "The optimiser.", [StrOptions(set(FIRST_ORDER_SOLVERS))]
    ),
}

ATTRIBUTES = """\
n_features_in_ : int
    Number of features.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the features, if X had names that are all strings.
encoder_ : TabularEncoder
    The fitted encoder.
estimators_ : list of estimator
    The members, fitted on encoded rows and, for numbers, on standardised targets, in whose units they predict:
    ``history_``, ``coefs_`` and the like are theirs.
oof_prediction_ : ndarray of shape (n_samples, ...)
    Predictions of the training rows by those members that held them out; NaN for rows that none did. Missing in
    copies, and after unpickling or loading, unless ``pickle_oof``.
oof_score_ : float
    The score of these predictions: accuracy, R² or D². Epoch and calibration are chosen by the same rows, which makes
    it a little better than that of new ones.
n_iter_ : int
    Most epochs of a member.
device_ : str
    Where the members were trained: 'cpu' or 'cuda:N'.
"""


def named_only(loss):
    """The parameter ``loss``, without losses of the user's own."""
    return Parameter(loss.kind.replace(" or CustomLoss", ""), loss.doc.partition(" Your own")[0], loss.constraint[:1])
