// SPDX-License-Identifier: MIT OR Apache-2.0
// docker-compose.yml, as far as it can be proved without a container engine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (name) => readFileSync(`${root}${name}`, "utf8");
const compose = parse(read("docker-compose.yml"));
const { services, volumes } = compose;

/** The keys of config.default.toml as the environment names them: [log] level is COLOPHON_LOG__LEVEL. */
function knownSettings() {
  let section = "";
  const known = new Set();
  for (const line of read("config.default.toml").split("\n")) {
    const [, table] = line.match(/^\[([a-z_.]+)\]/) ?? [];
    const [, key] = line.match(/^#? ?([a-z_]+) = /) ?? [];
    if (table) section = `${table.replaceAll(".", "__")}__`;
    if (key) known.add(`COLOPHON_${section}${key}`.toUpperCase());
  }
  return known;
}

test("there are a service, a database and a chain", () => {
  assert.deepEqual(Object.keys(services).sort(), ["chain", "database", "service"]);
});

test("every image is pinned to a version", () => {
  for (const [name, { image, build }] of Object.entries(services)) {
    assert.ok(image ?? build, `${name} has neither an image nor a build`);
    if (image) assert.match(image, /:\d+\.\d+[\w.-]*$/, `${name} takes ${image}`);
  }
  for (const [, from] of read("Dockerfile").matchAll(/^FROM (\S+)/gm)) {
    assert.match(from, /:\d+\.\d+[\w.-]*$/, `the Dockerfile takes ${from}`);
  }
});

test("every build names a stage of the Dockerfile", () => {
  const stages = [...read("Dockerfile").matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage);
  for (const { build } of Object.values(services)) {
    if (build) assert.ok(stages.includes(build.target), `no stage ${build.target}`);
  }
});

test("every setting of the service stands in config.default.toml", () => {
  const known = knownSettings();
  for (const name of Object.keys(services.service.environment)) {
    assert.ok(known.has(name), `${name} is no setting; known are ${[...known].join(", ")}`);
  }
});

test("the service waits for its database and is not given the run of the machine", () => {
  const { depends_on: waitsFor, cap_drop: dropped, ports } = services.service;
  assert.equal(waitsFor.database.condition, "service_healthy");
  assert.deepEqual(dropped, ["ALL"]);
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, "published to the outside");
  assert.equal(services.database.ports, undefined);
  assert.equal(services.chain.ports, undefined);
});

test("every volume that is named is declared", () => {
  const named = Object.values(services).flatMap((service) => service.volumes ?? []);
  for (const volume of named.map((mount) => mount.split(":")[0]).filter((source) => !source.startsWith("."))) {
    assert.ok(volume in volumes, `${volume} is not declared`);
  }
});

test("no password stands in the file", () => {
  for (const { environment = {} } of Object.values(services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD/.test(name)) assert.match(value, /^\$\{[A-Z_]+:\?/, `${name} is written out`);
    }
  }
});
