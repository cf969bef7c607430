"""The dashboards, as Python that writes Grafana's JSON. Owns what is shown and how; the rules own what is computed.

`python -m monitoring.grafana.boards` writes `monitoring/grafana/dashboards/`, which is committed: Grafana reads that
and needs no Python. A test writes it anew and compares, and asks a real Prometheus every query.
"""
