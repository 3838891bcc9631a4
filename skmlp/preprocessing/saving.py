"""What a saved file holds of a fitted encoder."""

import numpy as np
from sklearn.preprocessing import QuantileTransformer

from skmlp.preprocessing.categories import CategoryEncoding
from skmlp.preprocessing.encoder import TabularEncoder
from skmlp.preprocessing.numeric import NormalScores, NumericEncoding, SmoothClipping
from skmlp.saving.kinds import FLOATS, array, instance, integer, named, objects, one_of, optional, or_none, several
from skmlp.saving.records import OUTPUT, EstimatorRecord, Record, register, require

REALS, FLAGS, NAMES = array([np.float64]), array([bool]), objects(str)
EDGES = several(or_none(REALS), list)
CATEGORIES = several(objects(str, type(None)), list)
INFREQUENT = several(or_none(objects(str, type(None))), list)
COUNT = integer(1)
CONFIG = optional(named(one_of("default", "pandas", "polars", None)))


def check_clipping(scaler):
    """One centre and one scale a column."""
    require(len(scaler.centre) == len(scaler.scale), "centre and scale of columns differ in number")


def check_quantiles(transformer):
    """A quantile at each of the references for each column."""
    shape = len(transformer.references_), transformer.n_features_in_
    same = transformer.quantiles_.shape == shape and transformer.n_quantiles_ == shape[0]
    require(same, "quantiles_ are of another shape")


def check_scores(scaler):
    """Quantiles of the columns that vary."""
    columns = scaler.transformer.n_features_in_ if hasattr(scaler, "transformer") else 0
    require(columns == scaler.varying.sum(), "there are quantiles of other columns")


def check_numeric(numeric):
    """As many of each as there are columns, and increasing edges."""
    scaler, edges = numeric._scaler, [edges for edges in numeric.edges if edges is not None]
    lengths = {len(numeric.medians), len(numeric.had_missing), len(numeric.edges), len(numeric.kept)}
    scaled = len(scaler.varying if isinstance(scaler, NormalScores) else scaler.centre)
    require(len(lengths) == 1 and scaled == numeric.kept.sum(), "numeric columns differ in number")
    require(all(len(each) > 2 and (np.diff(each) > 0).all() for each in edges), "edges of bins do not increase")


def check_categories(categorical):
    """Some categories in each column, and no infrequent ones besides."""
    pairs = list(zip(categorical.categories, categorical.infrequent, strict=True))
    fit = all(len(known) > 0 and (rare is None or set(rare) <= set(known)) for known, rare in pairs)
    require(fit, "infrequent categories are none of the column's")


def check_encoder(encoder):
    """The columns of the table are those of the two encodings."""
    n_numeric, n_categorical = len(encoder._numeric.medians), len(encoder._categorical.categories)
    is_category, names = encoder.categorical_features_, getattr(encoder, "feature_names_in_", None)
    lengths = {encoder.n_features_in_, len(is_category), n_numeric + n_categorical}
    lengths |= set() if names is None else {len(names)}
    require(len(lengths) == 1 and is_category.sum() == n_categorical, "columns of the table differ in number")
    width = len(list(encoder._names(np.arange(len(is_category)))))
    require(encoder._n_features_out == width, f"{encoder._n_features_out} encoded columns are {width}")
    require(np.dtype(encoder.dtype) in FLOATS, f"dtype={encoder.dtype!r} is neither float32 nor float64")


register(
    Record(SmoothClipping, {"centre": REALS, "scale": REALS}, check_clipping),
    EstimatorRecord(
        QuantileTransformer,
        {
            "n_features_in_": COUNT,
            "n_quantiles_": COUNT,
            "quantiles_": array([np.float64], 2),
            "references_": REALS,
            OUTPUT: CONFIG,
        },
        check_quantiles,
    ),
    Record(NormalScores, {"varying": FLAGS, "transformer": optional(instance(QuantileTransformer))}, check_scores),
    Record(
        NumericEncoding,
        {
            "medians": REALS,
            "had_missing": FLAGS,
            "edges": EDGES,
            "kept": FLAGS,
            "_scaler": instance(SmoothClipping, NormalScores),
        },
        check_numeric,
    ),
    Record(CategoryEncoding, {"categories": CATEGORIES, "infrequent": INFREQUENT}, check_categories),
    EstimatorRecord(
        TabularEncoder,
        {
            "n_features_in_": COUNT,
            "feature_names_in_": optional(NAMES),
            "categorical_features_": FLAGS,
            "medians_": REALS,
            "had_missing_": FLAGS,
            "bin_edges_": EDGES,
            "categories_": CATEGORIES,
            "infrequent_categories_": INFREQUENT,
            "_numeric": instance(NumericEncoding),
            "_categorical": instance(CategoryEncoding),
            "_n_features_out": COUNT,
            OUTPUT: CONFIG,
        },
        check_encoder,
    ),
)
