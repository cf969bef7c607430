"""Containers, slices and services, under cAdvisor's names, from the kernel's control groups.

`collector` holds the collector. Data goes one way: `layout` says where the control groups are, `discovery` which there
are, `cgroup_v2` and `cgroup_v1` read one, `network` what its processes sent, `families` puts all of it
under cAdvisor's names. `engine` asks Docker and Podman what their containers are called, `container_names` keeps the answers.
"""
