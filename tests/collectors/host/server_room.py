"""The hardware of a machine room that a studio seldom has: fabrics, tapes, ZFS, an NFS server, bcache, a load balancer.

Part of the machine that `studio` writes; the forms are the kernel's.
"""

from __future__ import annotations

STORAGE = {
    "sys/class/fc_host/host0/speed": "16 Gbit",
    "sys/class/fc_host/host0/port_state": "Online",
    "sys/class/fc_host/host0/port_type": "Point-To-Point (direct nport connection)",
    "sys/class/fc_host/host0/port_id": "0x000002",
    "sys/class/fc_host/host0/port_name": "0x1000e0071bce95f2",
    "sys/class/fc_host/host0/node_name": "0x2000e0071bce95f2",
    "sys/class/fc_host/host0/fabric_name": "0x0",
    "sys/class/fc_host/host0/symbolic_name": "Emulex SN1100E2P FV12.4.270.3",
    "sys/class/fc_host/host0/supported_classes": "Class 3",
    "sys/class/fc_host/host0/supported_speeds": "4 Gbit, 8 Gbit, 16 Gbit",
    "sys/class/fc_host/host0/dev_loss_tmo": "30",
    "sys/class/fc_host/host0/statistics/dumped_frames": "0xffffffffffffffff",
    **{
        f"sys/class/fc_host/host0/statistics/{file}": hex(number)
        for number, file in enumerate(
            (
                "error_frames",
                "fcp_packet_aborts",
                "invalid_crc_count",
                "invalid_tx_word_count",
                "link_failure_count",
                "loss_of_signal_count",
                "loss_of_sync_count",
                "nos_count",
                "rx_frames",
                "rx_words",
                "seconds_since_last_reset",
                "tx_frames",
                "tx_words",
            ),
            10,
        )
    },
    "sys/class/infiniband/mlx4_0/board_id": "SM_1141000001000",
    "sys/class/infiniband/mlx4_0/fw_ver": "2.31.5050",
    "sys/class/infiniband/mlx4_0/hca_type": "MT4099",
    "sys/class/infiniband/mlx4_0/ports/1/state": "4: ACTIVE",
    "sys/class/infiniband/mlx4_0/ports/1/phys_state": "5: LinkUp",
    "sys/class/infiniband/mlx4_0/ports/1/rate": "2.5 Gb/sec (1X SDR)",
    "sys/class/infiniband/mlx4_0/ports/1/counters/port_rcv_data": "4631917",
    "sys/class/infiniband/mlx4_0/ports/1/counters/VL15_dropped": "3",
    "sys/class/infiniband/mlx4_0/ports/1/counters/symbol_error": "N/A (no PMA)",
    "sys/class/infiniband/mlx4_0/ports/1/counters_ext/port_xmit_data_64": "3733440",
    "sys/class/infiniband/mlx4_0/ports/1/counters_ext/port_unicast_rcv_packets": "61148",
    **{
        f"sys/class/scsi_tape/st0/stats/{file}": f"{number}"
        for number, file in enumerate(
            (
                "in_flight",
                "io_ns",
                "other_cnt",
                "read_byte_cnt",
                "read_cnt",
                "read_ns",
                "resid_cnt",
                "write_byte_cnt",
                "write_cnt",
                "write_ns",
            ),
            3_000_000_001,
        )
    },
    "sys/fs/xfs/sda1/stats/stats": (
        "extent_alloc 1 872 3 4\nabt 5 6 7 8\nblk_map 61 29 9 10 11 91 12\nbmbt 13 14 15 16\ndir 3 2 1 52\n"
        "trans 4 40 0\nig 5 1 17 4 18 19 20\nlog 8 21 0 5821 4\nrw 28 21\nvnodes 4 22 23 24 25 26 27 0\n"
        "xpc 3571712 3568056 0\ndebug 0"
    ),
    "proc/net/rpc/nfsd": (
        f"rc 1 6 18622\nfh 7 0 0 0 0\nio 157286400 72864\nth 8 0 0.000 0.000\nra 32 0 0 0 0 0 0 0 0 0 0 9\n"
        f"net 972 55 917 1\nrpc 18628 6 1 2 3\nproc2 18 {' '.join(map(str, range(18)))}\n"
        f"proc3 22 {' '.join(map(str, range(22)))}\nproc4 2 2 10853\nproc4ops 40 {' '.join(map(str, range(40)))}"
    ),
    "proc/spl/kstat/zfs/arcstats": (
        "6 1 0x01 91 4368 5266997922 97951858082072\nname                            type data\n"
        "hits                            4    8772612\nmemory_all-bytes                4    7\nratio    3    -1"
    ),
    "proc/spl/kstat/zfs/pool1/io": (
        "12 3 0x00 1 80 79205351707403 395818011156865\n"
        "nread    nwritten reads    writes   wtime    wlentime wupdate  rtime    rlentime rupdate  wcnt     rcnt\n"
        "1884160  3206144  22       132      7155162  104112268 1 24168078 104112269 79 2 3"
    ),
    "proc/spl/kstat/zfs/pool1/objset-1": (
        "23 1 0x01 7 2160 221578688875 6665999035587\nname                            type data\n"
        "dataset_name                    7    pool1/samples\nwrites                          4    5\n"
        "nread                           4    6"
    ),
    "proc/spl/kstat/zfs/pool1/state": "ONLINE",
}

CACHE = {
    f"sys/fs/bcache/deaddd54-c735-46d5-868e-f331c5fd7c74/{file}": value
    for file, value in {
        "average_key_size": "1",
        "btree_cache_size": "2.7M",
        "cache_available_percent": "99",
        "congested": "0",
        "root_usage_percent": "3",
        "tree_depth": "4",
        "internal/active_journal_entries": "5",
        "internal/btree_nodes": "6",
        "internal/btree_read_average_duration_us": "1305",
        "internal/cache_read_races": "7",
        **{
            f"{directory}/{file}": str(number)
            for number, (directory, file) in enumerate(
                (directory, file)
                for directory in ("stats_five_minute", "stats_total", "bdev0/stats_five_minute", "bdev0/stats_total")
                for file in (
                    "bypassed",
                    "cache_bypass_hits",
                    "cache_bypass_misses",
                    "cache_hits",
                    "cache_miss_collisions",
                    "cache_misses",
                    "cache_readaheads",
                )
            )
        },
        "bdev0/dirty_data": "20.4G",
        "bdev0/writeback_rate_debug": (
            "rate:           1.1M/sec\ndirty:          20.4G\ntarget:         20.10G\nproportional:   -427.5k\n"
            "integral:       790.0k\nchange:         321.5k/sec\nnext io:        17ms"
        ),
        "cache0/io_errors": "8",
        "cache0/metadata_written": "512",
        "cache0/written": "3.1k",
        "cache0/priority_stats": "Unused:         99%",
    }.items()
}

BALANCER = {
    "proc/net/ip_vs": (
        "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n"
        "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
        "TCP  C0A80016:0CEA wlc\n"
        "  -> C0A85216:0CEA      Tunnel  100    248        2\n"
        "  -> C0A85318:0CEA      Tunnel  101    249        3\n"
        "UDP  [2620:0000:0000:0000:0000:0000:0000:0001]:0050 sh\n"
        "  -> [2620:0000:0000:0000:0000:0000:0000:0002]:0050      Route   1      4          5\n"
        "FWM  10001000 wlc\n"
        "  -> C0A8321A:0CEA      Tunnel  20     64         1"
    ),
    "proc/net/ip_vs_stats": (
        "   Total Incoming Outgoing         Incoming         Outgoing\n"
        "   Conns  Packets  Packets            Bytes            Bytes\n"
        " 16AA370 E33656E5        1     51D8C8883AB3                2\n\n"
        " Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
        "       4    1FB3C        0          1282A8F                0"
    ),
}
