"""Containers, slices and services, under cAdvisor's names, from the kernel's control groups.

`collector` holds the collector. Data goes one way: `layout` says where the control groups are, `census` which there
are, `unified` and `legacy` read one (cgroup v2 and v1), `network` what its processes sent, `families` puts all of it
under cAdvisor's names. `engine` asks Docker and Podman what their containers are called, `directory` keeps the answers.
"""
