"""A studio machine of our own making, as /proc and /sys would show it: the hardware that a test machine lacks.

The forms are the kernel's (Documentation/ABI, admin-guide, proc(5)); the values are made up, each of them different
where it can be, so that a mixed-up column shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.collectors.host import server_room

_CPU = "sys/devices/system/cpu"
_PROCESSORS = {
    f"{_CPU}/cpu{number}/{file}": value
    for number in range(2)
    for file, value in {
        "topology/physical_package_id": "0",
        "topology/core_id": f"{number}",
        "topology/core_siblings_list": "0-1",
        "topology/thread_siblings_list": f"{number}",
        "thermal_throttle/core_throttle_count": f"{number + 3}",
        "thermal_throttle/package_throttle_count": "7",
        "cpufreq/cpuinfo_min_freq": "800000",
        "cpufreq/cpuinfo_max_freq": "4700000",
        "cpufreq/cpuinfo_transition_latency": "0",
        "cpufreq/scaling_cur_freq": f"{1_200_000 + number}",
        "cpufreq/scaling_min_freq": "900000",
        "cpufreq/scaling_max_freq": "4600000",
        "cpufreq/scaling_available_governors": "performance powersave",
        "cpufreq/scaling_driver": "intel_pstate",
        "cpufreq/scaling_governor": "powersave",
        "cpufreq/related_cpus": f"{number}",
        "cpufreq/scaling_setspeed": "<unsupported>",
    }.items()
}

_THERMAL = {
    "sys/class/thermal/thermal_zone0/type": "acpitz",
    "sys/class/thermal/thermal_zone0/policy": "step_wise",
    "sys/class/thermal/thermal_zone0/temp": "48500",
    "sys/class/thermal/thermal_zone1/type": "x86_pkg_temp",
    "sys/class/thermal/thermal_zone1/policy": "step_wise",
    "sys/class/thermal/thermal_zone1/temp": "-2000",
    "sys/class/thermal/cooling_device0/type": "Processor",
    "sys/class/thermal/cooling_device0/cur_state": "1",
    "sys/class/thermal/cooling_device0/max_state": "10",
    "sys/class/thermal/cooling_device1/type": "intel_powerclamp",
    "sys/class/thermal/cooling_device1/cur_state": "-1",
    "sys/class/thermal/cooling_device1/max_state": "50",
}

_POWER = {
    f"sys/class/power_supply/{supply}/{file}": value
    for supply, files in {
        "AC": {"online": "0", "type": "Mains"},
        "BAT0": {
            "capacity": "81",
            "capacity_level": "Normal",
            "cycle_count": "12",
            "energy_full": "45070000",
            "energy_full_design": "47520000",
            "energy_now": "36580000",
            "manufacturer": "LGC",
            "model_name": "45N1  ",
            "power_now": "4830000",
            "present": "1",
            "status": "Discharging",
            "technology": "Li-ion",
            "temp": "305",
            "time_to_empty_now": "9000",
            "type": "Battery",
            "voltage_min_design": "10800000",
            "voltage_now": "12229000",
        },
    }.items()
    for file, value in files.items()
}

_ENERGY = {
    f"sys/class/powercap/{zone}/{file}": value
    for zone, (name, energy) in {
        "intel-rapl:0": ("package-0", "240422366267"),
        "intel-rapl:1": ("package-1", "118821284256"),
        "intel-rapl:0:0": ("core", "5"),
        "intel-rapl:1:0": ("core", "6"),
    }.items()
    for file, value in {"name": name, "energy_uj": energy, "max_energy_range_uj": "262143328850"}.items()
}

_MEMORY_CONTROLLER = {
    f"sys/devices/system/edac/mc/mc0/{file}": value
    for file, value in {
        "ce_count": "1",
        "ce_noinfo_count": "2",
        "ue_count": "3",
        "ue_noinfo_count": "4",
        "csrow0/ce_count": "5",
        "csrow0/ue_count": "6",
    }.items()
}

_FIRMWARE = {
    f"sys/class/dmi/id/{file}": value
    for file, value in {
        "bios_date": "04/12/2021",
        "bios_vendor": "Studio Inc.",
        "chassis_asset_tag": " ",
        "product_name": "Rack 3",
        "product_uuid": "83340ca8-cb49-4474-8c29-d2088ca84dd9",
        "sys_vendor": "Studio Inc.",
    }.items()
}

_NVME = {
    f"sys/class/nvme/nvme0/{file}": value
    for file, value in {
        "firmware_rev": "1B2QEXP7",
        "model": "Samples 970 PRO 512GB                   ",
        "serial": "S680HF8N190894I     ",
        "state": "live",
    }.items()
}

_BONDING = {
    "sys/class/net/bonding_masters": "bond0 bond1",
    "sys/class/net/bond0/bonding/slaves": "eth0 eth4",
    "sys/class/net/bond0/lower_eth0/bonding_slave/mii_status": "up",
    "sys/class/net/bond0/lower_eth4/bonding_slave/mii_status": "down",
    "sys/class/net/bond1/bonding/slaves": "",
}

_CHIP = "sys/devices/platform/nct6775.656"
_SENSORS = {
    f"{_CHIP}/hwmon/hwmon0/{file}": value
    for file, value in {
        "name": "nct6779",
        "beep_enable": "1",
        "update_interval": "1000",
        "vrm": "110",
        "temp1_input": "48500",
        "temp1_max": "90000",
        "temp1_crit_alarm": "0",
        "temp1_label": "Tctl",
        "temp1_type": "5",
        "temp2_fault": "1",
        "fan1_input": "1098",
        "fan1_min": "300",
        "fan1_alarm": "1",
        "fan1_beep": "0",
        "fan1_pulses": "2",
        "in0_input": "792",
        "in0_max": "1744",
        "cpu0_vid": "1050",
        "curr1_input": "1500",
        "power1_average": "4700000",
        "power1_accuracy": "250000",
        "power1_average_interval": "300",
        "energy1_input": "123456789",
        "humidity1_input": "450000",
        "intrusion0_alarm": "1",
        "pwm1": "153",
        "pwm1_enable": "5",
        "pwm1_auto_point1_temp": "30000",
        "temp3_input": "no number",
        "uevent": "",
    }.items()
} | {"sys/devices/pci0000:00/nvme0/hwmon9/name": "nvme", "sys/devices/pci0000:00/nvme0/hwmon9/temp1_input": "38850"}
_LINKS = {
    "sys/class/hwmon/hwmon0": f"../../../{_CHIP}/hwmon/hwmon0",
    "sys/class/hwmon/hwmon9": "../../devices/pci0000:00/nvme0/hwmon9",
    f"{_CHIP}/hwmon/hwmon0/device": "../../../nct6775.656",
}

_BTRFS = {
    f"sys/fs/btrfs/0abb23a9-579b-43e6-ad30-227ef47fcb9d/{file}": value
    for file, value in {
        "label": "samples",
        "metadata_uuid": "0abb23a9-579b-43e6-ad30-227ef47fcb9d",
        "features/extended_iref": "1",
        "devices/sdb/size": "20971520",
        "devices/sdc/size": "20971521",
        "devices/sdd/size": "20971522",
        "allocation/global_rsv_size": "16777216",
        "allocation/data/bytes_reserved": "1",
        "allocation/data/raid5/total_bytes": "2147483648",
        "allocation/data/raid5/used_bytes": "808189952",
        "allocation/metadata/bytes_reserved": "2",
        "allocation/metadata/raid6/total_bytes": "3",
        "allocation/metadata/raid6/used_bytes": "4",
        "allocation/system/bytes_reserved": "5",
        "allocation/system/dup/total_bytes": "6",
        "allocation/system/dup/used_bytes": "7",
    }.items()
}

_NFS = (
    "net 70 71 69 45\nrpc 1218785755 374636 1218815394\n"
    f"proc2 18 {' '.join(map(str, range(18)))}\n"
    f"proc3 22 {' '.join(map(str, range(22)))}\n"
    f"proc4 48 {' '.join(map(str, range(48)))}\n"
)

_MDSTAT = """\
Personalities : [raid1] [raid6] [raid5] [raid4] [raid0] [linear]

md0 : active raid1 sdb1[1] sda1[0]
      248896 blocks [2/2] [UU]

md1 : active raid6 sdc1[2](F) sdd1[3](S) sdb2[1] sda2[0]
      1855870976 blocks level 6, 256k chunk, algorithm 2 [4/3] [UU_U]
      [=======>.............]  recovery = 36.5% (85067776/233024256) finish=2.5min speed=98752K/sec
      bitmap: 0/1 pages [0KB], 65536KB chunk

md2 : active raid0 sde1[0] sdf1[1]
      314159265 blocks 64k chunks

md3 : active raid1 sdg1[0] sdh1[1]
      3886394368 blocks super 1.2 [2/2] [UU]
        resync=PENDING

md4 : inactive raid1 sdi1[0](F) sdj1[1](S)
      4883648 blocks [2/2] [UU]

md5 : active raid1 sdk1[0] sdl1[1]
      1993728 blocks super 1.2 [2/2] [UU]
      [=>...................]  check =  5.7% (114176/1993728) finish=0.2min speed=114176K/sec

md127 : inactive sdm[0](S)
      7932 blocks super external:imsm

unused devices: <none>
"""

_SCHEDSTAT = """\
version 15
timestamp 15819019232
cpu0 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163039 343796328169361 4767485306
domain0 00000000,00000003 212499247 210112015 1861015
cpu1 518377256 0 4155211005 2778589869 10466382 2867629021 1904686152592476 364107263788241 5145567945
"""

_UDEV = """\
E:ID_ATA=1
E:ID_ATA_WRITE_CACHE=1
E:ID_ATA_WRITE_CACHE_ENABLED=0
E:ID_ATA_ROTATION_RATE_RPM=7200
E:ID_MODEL=Studio_SSD
E:ID_SERIAL_SHORT=S1
E:ID_WWN=0x5000
E:ID_PATH=pci-0000:00
E:ID_REVISION=1.0
"""

_PROC = {
    "proc/mdstat": _MDSTAT,
    "proc/schedstat": _SCHEDSTAT,
    "proc/net/rpc/nfs": _NFS,
    "proc/diskstats": "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
    "proc/net/arp": (
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.168.1.1      0x1         0x2         cc:aa:dd:ee:aa:bb     *        eth0\n"
        "192.168.1.2      0x1         0x2         bb:cc:dd:ee:ff:aa     *        eth0\n"
        "192.168.2.1      0x1         0x2         bb:cc:dd:ee:ff:ab     *        eth1\n"
    ),
    "proc/stat": (
        "cpu  301854 612 111922 8979004 3552 2 3944 0 5 6\n"
        "cpu0 44490 19 21045 1087069 220 1 3410 2 3 4\n"
        "cpu1 47869 23 16474 1110787 591 0 46 0 2 2\n"
        "intr 8885917 17 0 0 0\nctxt 38014093\nbtime 1418183276\nprocesses 26442\nprocs_running 2\nprocs_blocked 1\n"
    ),
    "run/udev/data/b8:0": _UDEV,
}


def studio(root: Path) -> Path:
    """Write the machine below `root`, which is returned."""
    for files in (
        _PROCESSORS,
        _THERMAL,
        _POWER,
        _ENERGY,
        _MEMORY_CONTROLLER,
        _FIRMWARE,
        _NVME,
        _BONDING,
        _SENSORS,
        _BTRFS,
        server_room.STORAGE,
        server_room.CACHE,
        server_room.BALANCER,
    ):
        _write(root, {path: f"{value}\n" for path, value in files.items()})
    _write(root, _PROC)
    for path, target in _LINKS.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    return root


def _write(root: Path, files: Mapping[str, str]) -> None:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
