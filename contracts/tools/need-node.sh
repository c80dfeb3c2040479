# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced, with $here set to this folder, by the tools that need Node and npm: ends them with one sentence when these are
# not there.
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "The chain tools come from npm: please install Node 20 or later together with npm." >&2
    exit 1
fi
if ! node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' </dev/null; then
    echo "The chain tools need Node 20 or later; $(node --version) is installed." >&2
    exit 1
fi
# npm and forge keep their caches at home; where there is no home to write to, it is here.
if [ ! -w "${HOME:-/nonexistent}" ]; then
    export HOME="$here/foundry/home"
    mkdir -p "$HOME"
fi
