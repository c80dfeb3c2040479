# Two images: `service` is colophon by itself, `chain` is the development chain for docker-compose.yml.
# Not exercised by our tests: see the README.

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
# Our own code at level 1, as the tests build it, is quicker to build and slower to run.
RUN CARGO_PROFILE_RELEASE_OPT_LEVEL=3 cargo build --release --locked

FROM node:20.20.2-bookworm-slim AS chain-tools
COPY contracts/tools /contracts/tools
RUN /contracts/tools/fetch anvil

FROM debian:12.12-slim AS chain
RUN useradd --uid 10001 --create-home --home-dir /chain chain
COPY --from=chain-tools /contracts/tools/foundry/bin/anvil /usr/local/bin/anvil
USER chain
WORKDIR /chain
VOLUME /chain
EXPOSE 8545
ENTRYPOINT ["anvil"]

FROM debian:12.12-slim AS service
# Roots for HTTPS to a node; curl asks /readyz.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /data colophon
COPY --from=build /src/target/release/colophon /usr/local/bin/colophon
USER colophon
WORKDIR /data
VOLUME /data
EXPOSE 8020
ENTRYPOINT ["colophon"]
CMD ["serve"]
