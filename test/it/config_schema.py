#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Goal: the JSON Schema and the parser agree: what an editor underlines is a mistake to the parser,
and what is one to the parser is underlined, where a schema can express it.

usage: config_schema.py HOLDFAST
"""
import json
import subprocess
import sys
import tempfile

import jsonschema
import yaml

HOLDFAST = sys.argv[1]
SOURCES = "sources: [{url: clip.mp4}]\n"
CAMERAS = "cameras: [{id: gate}]\n"
ZONES = "zones: [{id: door, camera: gate, points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}]\n"
MINIMUM = SOURCES + CAMERAS + ZONES

GOOD = [
    MINIMUM,
    SOURCES + CAMERAS + "zones:\nhub:\n",
    MINIMUM.replace("gate", "1"),  # a number to YAML, a name to the parser
    MINIMUM + "hub: {backoff_min: 200ms, backoff_max: 1d}\n".replace("1d", "1h"),
    MINIMUM + "armed: {entry: 'mon-fri 18:00-07:00'}\ntime: {zone: UTC}\n",
    MINIMUM + "stay: {keep: 0, rearm: 0s}\n",
    MINIMUM + "track: {score_high: 1}\n",
    MINIMUM + "motion: {cells_min: 6, threshold: 22.5}\n",
    SOURCES + CAMERAS + ZONES.replace("door,", "door, cooldown: 0, entry: false,"),
    SOURCES + CAMERAS + ZONES.replace("door,", "door, loitering: 90s,"),
    SOURCES + CAMERAS + ZONES.replace("door,", "door, loitering: off,"),
    SOURCES + CAMERAS + ZONES.replace("door,", "door, loitering: 0,"),
    SOURCES + CAMERAS + ZONES.replace("door,", "door, loitering: {person: 60s, vehicle: off},"),
    "sources: [{id: a, type: file, url: x, layout: 2x2, loop: true, fps: 7.5}]\n" + CAMERAS,
]
BAD = [
    "",
    SOURCES,
    CAMERAS,
    "sources: []\n" + CAMERAS,
    MINIMUM + "hbu: {}\n",
    MINIMUM + "hub: {urll: x}\n",
    MINIMUM + "hub: 5\n",
    MINIMUM + "hub: {batch_max: 0}\n",
    MINIMUM + "hub: {batch_max: 5s}\n",
    MINIMUM + "hub: {batch_max: '5'}\n",
    MINIMUM + "hub: {batch_max: [1]}\n",
    MINIMUM + "hub: {backoff_min: 5}\n",
    MINIMUM + "hub: {backoff_min: 5 s}\n",
    MINIMUM + "hub: {backoff_min: 5sec}\n",
    MINIMUM + "hub: {thumbs: 'yes'}\n",
    MINIMUM + "hub: {url: }\n",
    MINIMUM + "stay: {keep: 7}\n",
    MINIMUM + "track: {score_high: 1.5}\n",
    MINIMUM + "track: {score_high: '0.5'}\n",
    MINIMUM.replace("id: gate", "id: gate, tile: 17"),
    MINIMUM.replace("id: gate", "id: gate, tiel: 1"),
    MINIMUM.replace("id: gate", "name: x"),
    MINIMUM.replace("url: clip.mp4", "id: a"),
    MINIMUM.replace("url: clip.mp4", "url: clip.mp4, type: fiel"),
    MINIMUM.replace("url: clip.mp4", "url: clip.mp4, layout: 5x5"),
    MINIMUM.replace("camera: gate, ", ""),
    MINIMUM.replace(", [0.5, 0.9]", ""),
    MINIMUM.replace("0.5, 0.9", "0.5, 1.1"),
    MINIMUM.replace("0.5, 0.9", "0.5"),
    SOURCES + CAMERAS + "zones: {id: door}\n",
    MINIMUM.replace("door,", "door, loitering: 60,"),
    MINIMUM.replace("door,", "door, loitering: soon,"),
    MINIMUM.replace("door,", "door, loitering: {},"),
    MINIMUM.replace("door,", "door, loitering: [60s],"),
    MINIMUM.replace("door,", "door, loitering: {person: 60},"),
    MINIMUM + "device: {id: " + 64 * "x" + "}\n",
]


def parser_takes(text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([HOLDFAST, "config", "check", file.name], capture_output=True)
    return done.returncode == 0


def main():
    schema = json.loads(subprocess.check_output([HOLDFAST, "config", "schema"]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    example = subprocess.check_output([HOLDFAST, "config", "example"]).decode()
    # With every setting at its default, taken out of its comment.
    spoken = "".join(
        line.replace("# ", "", 1) if line.strip().startswith("# ") and ": " in line else line
        for line in example.splitlines(keepends=True)
    )
    failures = 0
    for expected, texts in ((True, GOOD + [example]), (False, BAD)):
        for text in texts:
            schema_takes = validator.is_valid(yaml.safe_load(text))
            parsed = parser_takes(text)
            if schema_takes is not expected or parsed is not expected:
                print(f"FAILED: schema {schema_takes}, parser {parsed}: {text}")
                failures += 1
    # Each default is one the schema takes.
    settings = 0
    for name, section in schema["properties"].items():
        rows = section["items"] if "items" in section else section
        for key, row in rows["properties"].items():
            settings += 1
            if "default" in row and not jsonschema.Draft202012Validator(row).is_valid(row["default"]):
                print(f"FAILED: {name}.{key}: its default {row['default']} is refused")
                failures += 1
            if key not in spoken or not row["description"]:
                print(f"FAILED: {name}.{key}: not in the example")
                failures += 1
    print(f"{len(GOOD) + 1} good and {len(BAD)} bad files, {settings} settings, {failures} failed")
    return failures != 0


sys.exit(main())
