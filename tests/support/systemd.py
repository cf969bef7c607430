"""A real systemd as the first process of namespaces of its own: it sees the machine's files, and changes none of them.

In there `/etc` and `/usr/local/lib` are copies, `/run` is empty, `/var/lib` has no agent's state, the network is a
loopback of its own, and what systemd's own units would start is not there. With `packages`, the whole file system is a
copy, in which packages can be installed. Needs root, which test.sh has or asks for.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

from tests.support.waiting import PATIENCE, eventually

_AS_ROOT = () if os.geteuid() == 0 else ("sudo", "--non-interactive")

NO_MORE: Mapping[str, str] = MappingProxyType({})

_STUBS = ("sysinit", "basic", "shutdown", "multi-user", "network", "sound")

_PACKAGED = ("wr-agent.service",)
"""The units of packages that the manager knows. It knows none of the machine's own, which would change the kernel."""

COPY_OF_EVERYTHING = """
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for folder in dev proc sys $SHARED; do mount --rbind "/$folder" "/mnt/root/$folder"; done
cd /mnt/root
pivot_root . mnt
umount -l /mnt
"""
"""Commands that make the file system a copy in this mount namespace, but for devices and the folders in `$SHARED`."""

_SCRIPT = """
mount -t proc proc /proc

hide() {  # a folder, empty, with what it held at $2 if that is given
  mkdir -p /mnt/kept; mount --bind "$1" /mnt/kept
  mount -t tmpfs -o mode=0755 tmpfs "$1"
  if [ -n "$2" ]; then "$2" "$1"; fi
  umount /mnt/kept
}
copied() { cp -a /mnt/kept/. "$1/"; }
opened() {  # its folders, for users without access to it
  for entry in /mnt/kept/.[!.]* /mnt/kept/*; do
    [ -d "$entry" ] || continue
    mkdir "$1/${entry##*/}"; mount --bind "$entry" "$1/${entry##*/}"
  done
}
opened_with_files() {
  opened "$1"
  find /mnt/kept -maxdepth 1 ! -type d -exec cp -a -t "$1" {} +
}
mount -t tmpfs -o mode=0755 tmpfs /mnt
hide /etc copied
hide /usr/local/lib opened_with_files
if [ -d /usr/local/lib/wr-agent-recorder ]; then umount /usr/local/lib/wr-agent-recorder; fi
rm -rf /usr/local/lib/wr-agent-recorder  # the mount point, or nothing
hide /root opened
hide /run
hide /var/lib opened
if [ -d /var/lib/wr-agent ]; then umount /var/lib/wr-agent; rmdir /var/lib/wr-agent; fi
hide /dev/shm  # the registry of JACK servers
chmod 1777 /dev/shm
rm -rf /etc/systemd /etc/wr-agent
mkdir -p /etc/systemd/system /run/lock /run/stubs
for name in $STUBS; do printf '[Unit]\\nDefaultDependencies=no\\n' >"/run/stubs/$name.target"; done
for unit in $PACKAGED; do ln -s "/usr/lib/systemd/system/$unit" "/run/stubs/$unit"; done
mkdir /run/stubs/service.d
printf '[Service]\\nStandardOutput=append:/run/services.log\\n' >/run/stubs/service.d/log.conf
printf '[Unit]\\nDefaultDependencies=no\\nAllowIsolate=yes\\n' >/run/stubs/started.target

if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
  umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  umount -R /sys/fs/cgroup; mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/unified /sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
fi
ip link set lo up
touch /run/console; mount --bind /run/console /dev/console
export container=namespaces SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/stubs
exec /lib/systemd/systemd --system --unit=started.target --log-target=console --show-status=0
"""


class IsolatedSystemd:
    """A system manager. `run` runs a command in its namespaces, as root.

    Args:
        said: The file of its output.
        packages: Let packages be installed in a copy of the file system, and run their units.
    """

    def __init__(self, said: IO[bytes], *, packages: bool = False) -> None:
        namespaces = ("--cgroup", "--mount", "--pid", "--uts", "--ipc", "--net", "--fork", "--kill-child")
        self._said = said
        self._unshare = subprocess.Popen(
            [*_AS_ROOT, "unshare", *namespaces, "bash", "-ec", (COPY_OF_EVERYTHING if packages else "") + _SCRIPT],
            env={
                "PATH": os.environ["PATH"],
                "STUBS": " ".join(_STUBS),
                "PACKAGED": " ".join(_PACKAGED) if packages else "",
            },
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )
        self._first = int(eventually(self._first_process, "systemd is the first process of its namespaces"))

    def run(
        self, *command: str | Path, user: str = "", check: bool = True, env: Mapping[str, str] = NO_MORE
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespaces to its end."""
        enter = ("nsenter", "--target", str(self._first), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
        become = ("setpriv", "--reuid", user, "--regid", user, "--init-groups") if user else ()
        done = subprocess.run(
            [*_AS_ROOT, *enter, "--", *become, *command],
            env={"PATH": os.environ["PATH"], "HOME": "/root"} | dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{self.console()}"
        return done

    def write(self, path: str, text: str, mode: str = "0644", owner: str = "root:root") -> None:
        """Write a file in the namespaces, with its folders."""
        self.run("install", "-D", "-m", mode, "/dev/null", path)
        self.run("chown", owner, path)
        self.run("sh", "-c", 'printf %s "$1" >>"$2"', "sh", text, path)

    def show(self, name: str, unit: str = "wr-agent.service") -> str:
        """Return one property of a unit."""
        return self.run("systemctl", "show", "--property", name, "--value", unit).stdout.strip()

    def console(self) -> str:
        """Return the output of systemd and the services so far."""
        run = Path(f"/proc/{self._first}/root/run")
        logs = (run / "console", run / "services.log")
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def stop(self) -> None:
        """End the manager, and with it all processes in its namespaces."""
        subprocess.run([*_AS_ROOT, "kill", "-KILL", str(self._first)], check=True)
        self._unshare.wait(PATIENCE)

    def _first_process(self) -> str | None:
        if self._unshare.poll() is not None:
            self._said.seek(0)
            raise AssertionError(f"systemd ended with {self._unshare.returncode}: {self._said.read().decode()}")
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split():
                if Path(f"/proc/{child}/root/run/systemd/private").exists():
                    return child
        return None


@contextlib.contextmanager
def isolated_systemd(*, packages: bool = False) -> Iterator[IsolatedSystemd]:
    """Yield a manager that serves, and end it afterwards."""
    with tempfile.TemporaryFile() as said:
        manager = IsolatedSystemd(said, packages=packages)
        try:
            yield manager
        finally:
            manager.stop()
