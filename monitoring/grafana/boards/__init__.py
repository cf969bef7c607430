"""The dashboards, as Python that writes Grafana's JSON. The recording rules own the computation.

`python -m monitoring.grafana.boards` writes `monitoring/grafana/dashboards/` and `monitoring/grafana/runbooks/`, which
are committed, so Grafana needs no Python. A test compares them and sends every query to a real Prometheus.
"""
