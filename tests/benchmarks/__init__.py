"""How fast and how large the check is, beside the exporter that many have for such probes. No tests: pytest collects
none of this. ``make benchmark`` and ``make soak`` run it; docs/performance.md says what came of it.
"""
