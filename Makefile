# What can be done here. Each target is a line or two; the work stands in the scripts.
.PHONY: demo test check contracts prove-deps prove-compose
IMAGE ?=

# The whole job on an image: from the print to a token that the chain confirms.
demo:
	@contracts/tools/fetch anvil
	@cargo build --release --locked && target/release/colophon demo $(if $(IMAGE),--image "$(IMAGE)")

# Every test: Rust on SQLite and PostgreSQL, Solidity, ethers v6. Sets everything up by itself.
test:
	@tests/tools/run-tests

# Format, lints and the rules of the house.
check:
	@tests/tools/check

# The contract alone: format, tests, gas snapshots, artifact.
contracts:
	@contracts/tools/test

# Licences, bans and advisories of what we depend on.
prove-deps:
	@tests/tools/prove-deps

# docker-compose.yml, read by a parser. No container engine is needed, and none is tried.
prove-compose:
	@tests/tools/check-compose
