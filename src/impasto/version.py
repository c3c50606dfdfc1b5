"""Impasto's version: the one place it is written. Read by the build, the files it makes and `impasto --version`."""

__version__ = "0.1.0"
