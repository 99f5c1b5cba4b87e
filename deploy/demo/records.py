"""Debian's package database as records for POST /v1/batches, one JSON object a line."""

import json


def stanzas(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        fields = {}
        for line in file:
            if line.strip() == "":
                if fields:
                    yield fields
                fields = {}
            elif not line[0].isspace():
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if fields:
            yield fields


def record_of(fields, job_type):
    architecture = fields.get("Architecture", "all")
    return {
        "type": job_type,
        "key": f"{fields['Package']}:{architecture}",
        "payload": {
            "name": fields["Package"],
            "architecture": architecture,
            "version": fields.get("Version", ""),
            "section": fields.get("Section", ""),
            "size_kib": int(fields.get("Installed-Size", 0)),
            "summary": fields.get("Description", ""),
        },
    }


def records_of(path, job_type, count_max):
    """The body of the request, and how many records it has."""
    records = [record_of(fields, job_type) for fields in stanzas(path) if "Package" in fields]
    records = records[:count_max]
    return "".join(json.dumps(record) + "\n" for record in records).encode(), len(records)
