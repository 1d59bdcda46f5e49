"""The version, once: read by the package, by its bundles and by the build."""

__version__ = "0.1.0"
