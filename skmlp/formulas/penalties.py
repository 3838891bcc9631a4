"""The penalty on weights: elastic net, l1 Σ|w| + ½ l2 Σw² (Zou & Hastie, JRSS B 2005)."""


def elastic_net(w, l1, l2):
    """l1 |w| + ½ l2 w²."""
    return l1 * abs(w) + 0.5 * l2 * w * w


def elastic_net_gradient(w, l1, l2):
    """l1 sign(w) + l2 w, with sign(0) = 0."""
    slope = l2 * w
    if w > 0.0:
        slope += l1
    if w < 0.0:
        slope -= l1
    return slope
