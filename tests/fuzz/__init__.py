"""Fuzzing: bytes of a stranger, guided by what they reach in the code, against what must hold of any bytes.

Each module of :mod:`tests.fuzz.subjects` is one subject: ``SEEDS`` to begin with, and ``holds``, which takes any bytes
and raises where something does not hold. ``python -m tests.fuzz`` runs them.
"""
