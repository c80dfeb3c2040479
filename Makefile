# What can be done here. Each target is a line or two; the work stands in the scripts.
.PHONY: demo test chaos bench check lifecycle prove-sales prove-audit prove-doubles prove-feeds prove-races prove-mint prove-crashes prove-outages contracts prove-contracts bench-gas bench-claims prove-deps prove-compose
IMAGE ?=

# The whole job on an image: from the print to a token that the chain confirms.
demo:
	@contracts/tools/fetch anvil
	@cargo build --release --locked --workspace --bin colophon && target/release/colophon demo $(if $(IMAGE),--image "$(IMAGE)")

# Every test: Rust on SQLite and PostgreSQL, Solidity, ethers v6. Sets everything up by itself.
test:
	@tests/tools/run-tests

# Kills, reorgs, lost replies against the real service; the last line is one JSON object. All of it stands in
# docs/FAULTS.md, and tests/tools/run-chaos says what each word means.
chaos:
	@tests/tools/run-chaos $(foreach word,MINTS KILLS THEFTS REORGS WEATHER LOST PROCESSES SIGNERS SEED DB SABOTAGE,$(if $($(word)),$(word)=$($(word))))

# How fast it is, beside ceilings of the same machine: JSON lines. tests/tools/run-bench says what each word means.
bench:
	@tests/tools/run-bench $(foreach word,PART DB MINTS GAS CEILING SIGNERS SETTLED RUNS,$(if $($(word)),$(word)=$($(word))))

# Format, lints and the rules of the house.
check:
	@tests/tools/check

# The tables of docs/LIFECYCLE.md, written anew from the code that decides.
lifecycle:
	@COLOPHON_TEST_WRITE_LIFECYCLE=1 cargo test --release --locked --workspace --lib -- the_document_holds_the_tables

# A hundred thousand random histories of sales against a model of the chain, and a minute of fuzzing for each reader.
prove-sales:
	@COLOPHON_TEST_HISTORIES=$${COLOPHON_TEST_HISTORIES:-100000} cargo test --release --locked --workspace --lib -- --nocapture random_histories
	@COLOPHON_TEST_FUZZ_SECONDS=$${COLOPHON_TEST_FUZZ_SECONDS:-60} cargo test --release --locked --workspace --lib -- --nocapture fuzzed_

# A thousand tamperings with sealed rows of the journal, each to be found, on both databases.
prove-audit:
	@COLOPHON_TEST_TAMPERINGS=$${COLOPHON_TEST_TAMPERINGS:-1000} tests/tools/with-postgres cargo test --release --locked --workspace --test it -- --nocapture every_tampering

# Ten thousand orders of a shop, each thing delivered up to twenty times, some forged, some lost, on both databases; and how
# fast deliveries are acknowledged at 200 a second, as JSON.
prove-feeds:
	@cargo build --release --locked --workspace --bin colophon
	@for database in sqlite postgres; do COLOPHON_TEST_ORDERS=$${COLOPHON_TEST_ORDERS:-10000} COLOPHON_TEST_RATE_SECONDS=$${COLOPHON_TEST_RATE_SECONDS:-40} tests/tools/with-postgres cargo test --release --locked --workspace --test it -- --nocapture feeds::$$database::what_a_shop_tells || exit 1; done

# Every race at full size, on both databases: 1,000 at once, 100 times over, and 10,000 refunds against redemptions.
prove-races:
	@tests/tools/prove-races

# The contract alone: format, tests, gas snapshots, artifact.
contracts:
	@contracts/tools/test

# The contract at length: proofs, static analysis, mutants, invariants at full size. Takes most of an hour.
prove-contracts:
	@contracts/tools/prove

# The time of looking up codes that do not stand, by Welch's test: JSON lines. DB=postgres for the other database.
bench-claims:
	@COLOPHON_TEST_LOOKUPS=$${COLOPHON_TEST_LOOKUPS:-100000} tests/tools/with-postgres cargo test --release --locked --workspace --test it -- --nocapture timing::$(or $(DB),sqlite)

# Gas by receipts: ours, the floor, and four well-known bases.
bench-gas:
	@contracts/tools/bench-gas

# Ten million events of random histories for the machine that takes a call to its end.
prove-mint:
	@PROPTEST_CASES=$${PROPTEST_CASES:-25600} cargo test --release --locked --workspace --lib -- --nocapture under_way::histories

# The program dies at every place that it names, on both databases in full.
prove-crashes:
	@cargo build --release --locked --workspace --features failpoints --bin colophon
	@COLOPHON_TEST_CRASHES=all tests/tools/with-postgres cargo test --release --locked --workspace --features failpoints --test it -- --nocapture crashes::

# Ten thousand tokens asked for twice with one barrier alone: the chain's, then the database's; on both databases.
prove-doubles:
	@tests/tools/prove-doubles

# Ten minutes without any node, on both databases at once.
prove-outages:
	@contracts/tools/fetch anvil
	@cargo build --release --locked --workspace --bin colophon
	@COLOPHON_TEST_OUTAGE_SECONDS=$${COLOPHON_TEST_OUTAGE_SECONDS:-600} tests/tools/with-postgres cargo test --release --locked --workspace --test it -- --nocapture outages::

# Licences, bans and advisories of what we depend on.
prove-deps:
	@tests/tools/prove-deps

# docker-compose.yml, read by a parser. No container engine is needed, and none is tried.
prove-compose:
	@tests/tools/check-compose
