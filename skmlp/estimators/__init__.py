"""The scikit-learn face: parameters, validation, target encoding, fitted attributes."""
