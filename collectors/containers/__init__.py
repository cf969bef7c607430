"""Containers, slices and services under cAdvisor's names, from the kernel's control groups.

`layout` finds the mounted trees, `discovery` the control groups in them, and `cgroup_v1` or `cgroup_v2` reads one.
`network` reads the interfaces of its processes, and `families` gives cAdvisor's names to all of it. `engine` asks
Docker and Podman for container names, and `container_names` keeps the answers. `collector` joins all of it.
"""
