// SPDX-License-Identifier: MIT OR Apache-2.0
// The work of tools/fetch. The tools are not in package.json: npm refuses a lock file that names packages of other
// platforms wherever a mirror lacks them, and `npm ci` would delete the binaries at every change of the lock.
"use strict";

const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const pinned = require("./foundry.json");

const bin = path.join(__dirname, "foundry", "bin");
const suffix = process.platform === "win32" ? ".exe" : "";

class Failure extends Error {}

function run(command, args, options = {}) {
  return spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], ...options });
}

function platform() {
  const system = { linux: "linux", darwin: "darwin", win32: "win32" }[process.platform];
  const processor = { x64: "amd64", arm64: "arm64" }[process.arch];
  if (!system || !processor) {
    throw new Failure(`Foundry has no package for ${process.platform} on ${process.arch}.`);
  }
  return `${system}-${processor}`;
}

/** Whether the binary is there, runs on this machine and is the pinned version. */
function ready(file) {
  const answer = run(file, ["--version"]);
  return answer.status === 0 && answer.stdout.includes(`Version: ${pinned.version}`);
}

function checkIntegrity(archive, name) {
  const found = `sha512-${createHash("sha512").update(fs.readFileSync(archive)).digest("base64")}`;
  const expected = pinned.integrity[name];
  if (expected === undefined) {
    console.error(`No checksum of ${name} is pinned; npm has compared it with its registry's.`);
  } else if (found !== expected) {
    throw new Failure(`The archive of ${name} is not the pinned one: ${found} instead of ${expected}.`);
  }
}

function fetch(tool) {
  const target = path.join(bin, tool + suffix);
  if (ready(target)) return;

  const name = `${tool}-${platform()}`;
  const wanted = `@foundry-rs/${name}@${pinned.version}`;
  console.error(`Fetching ${wanted} from npm.`);
  fs.mkdirSync(bin, { recursive: true });
  const work = fs.mkdtempSync(path.join(bin, `.${tool}-`));
  try {
    const packed = run("npm", ["pack", wanted, "--ignore-scripts", "--pack-destination", work], {
      cwd: work,
      shell: process.platform === "win32",
    });
    const archive = fs.readdirSync(work).find((file) => file.endsWith(".tgz"));
    if (packed.status !== 0 || !archive) {
      throw new Failure(`npm could not fetch ${wanted}: ${packed.error ?? packed.stderr.trim()}`);
    }
    checkIntegrity(path.join(work, archive), name);
    const unpacked = run("tar", ["-xzf", archive], { cwd: work });
    if (unpacked.status !== 0) {
      throw new Failure(`tar could not unpack ${wanted}: ${unpacked.error ?? unpacked.stderr.trim()}`);
    }
    const fresh = path.join(work, "package", "bin", tool + suffix);
    fs.chmodSync(fresh, 0o755);
    if (!ready(fresh)) throw new Failure(`${wanted} was fetched but does not run on this machine.`);
    // One rename: whoever looks meanwhile finds the old file or the whole new one.
    fs.renameSync(fresh, target);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

try {
  const asked = process.argv.slice(2);
  const unknown = asked.find((tool) => !pinned.tools.includes(tool));
  if (unknown !== undefined) throw new Failure(`tools/fetch knows ${pinned.tools.join(", ")}, but not ${unknown}.`);
  (asked.length > 0 ? asked : pinned.tools).forEach(fetch);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
