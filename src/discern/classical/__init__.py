"""Classifiers from before deep learning: scikit-learn's estimators on features that people thought of."""
