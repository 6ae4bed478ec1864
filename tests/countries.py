#!/usr/bin/env python3
"""Makes tests/data/countries.mmdb: a country file of five networks, in the MaxMind DB format 2.0.

    tests/countries.py > tests/data/countries.mmdb

The format is described at https://maxmind.github.io/MaxMind-DB/.
"""
import ipaddress
import struct
import sys

NETWORKS = {
    "41.32.0.0/11": {"country": {"iso_code": "EG"}, "registered_country": {"iso_code": "EG"}},
    "8.8.4.0/24": {"country": {"iso_code": "US"}, "registered_country": {"iso_code": "US"}},
    "212.26.0.0/16": {"registered_country": {"iso_code": "SA"}},
    "77.88.0.0/18": {"country": {"iso_code": "RU"}},
    "2a02:6b8::/32": {"country": {"iso_code": "RU"}},
}
STRING, MAP, UINT16, UINT32, UINT64, ARRAY = 2, 7, 5, 6, 9, 11


def control(kind, size):
    assert size < 285
    extended = b"" if kind < 8 else bytes([kind - 7])
    first = (kind if kind < 8 else 0) << 5
    return bytes([first | min(size, 29)]) + extended + (b"" if size < 29 else bytes([size - 29]))


def encoded(value):
    if isinstance(value, str):
        text = value.encode()
        return control(STRING, len(text)) + text
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encoded(key) + encoded(held) for key, held in value.items())
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(encoded, value))
    kind, number = value
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return control(kind, len(digits)) + digits


def bits(network):
    """The path through a tree of IPv6: IPv4 lies under ::/96."""
    network = ipaddress.ip_network(network)
    number, length = int(network.network_address), network.prefixlen + (96 if network.version == 4 else 0)
    return format(number, "0128b")[:length]


nodes, data = [[None, None]], b""
for network, record in NETWORKS.items():
    *path, last = map(int, bits(network))
    node = 0
    for side in path:
        if nodes[node][side] is None:
            nodes.append([None, None])
            nodes[node][side] = len(nodes) - 1
        node = nodes[node][side]
    nodes[node][last] = ("data", len(data))
    data += encoded(record)


def pointer(record):
    if record is None:
        return len(nodes)
    return record if isinstance(record, int) else len(nodes) + 16 + record[1]


tree = b"".join(struct.pack(">I", pointer(record))[1:] for node in nodes for record in node)
metadata = {
    "binary_format_major_version": (UINT16, 2),
    "binary_format_minor_version": (UINT16, 0),
    "build_epoch": (UINT64, 1_767_225_600),
    "database_type": "Test-Country",
    "description": {"en": "Made for tests"},
    "ip_version": (UINT16, 6),
    "languages": ["en"],
    "node_count": (UINT32, len(nodes)),
    "record_size": (UINT16, 24),
}
sys.stdout.buffer.write(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encoded(metadata))
