# Two stages: the first makes the one executable, the second is Debian and that file.
#
# The bases have exact tags. A tag can be moved; to pin the content as well, ask for its digest and write it behind the tag:
#   docker buildx imagetools inspect node:24.20.0-bookworm    ->    FROM node:24.20.0-bookworm@sha256:...
#
# Debian 12 for building: the file then runs wherever the C library is as old as there.
FROM node:24.20.0-bookworm AS build
WORKDIR /opt/phorest
# The packages first: this layer stays as long as none of them changes, whatever is edited in the source.
COPY package.json package-lock.json ./
# Nothing of these packages is compiled: what goes into the executable is, by the packing, for its own Node.js.
RUN npm ci --ignore-scripts
COPY . .
# Seconds of the commit: .git stays outside.
ARG SOURCE_DATE_EPOCH=0
RUN npm run package -- --out /opt/packed \
 && mv /opt/packed/phorest-*-linux-*64 /opt/phorest.bin \
 && mv /opt/packed/phorest-*.cdx.json /opt/phorest.cdx.json

FROM debian:13.6-slim
LABEL org.opencontainers.image.title="phorest" org.opencontainers.image.licenses="MIT"
RUN apt-get update \
 && apt-get install --no-install-recommends -y v4l-utils \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 phorest \
 && useradd --uid 1000 --gid phorest --groups video --create-home phorest \
 && install -d -o phorest -g phorest /experiment
COPY --from=build /opt/phorest.bin /usr/local/bin/phorest
# The bill of materials (CycloneDX) of that file.
COPY --from=build /opt/phorest.cdx.json /usr/share/doc/phorest/phorest.cdx.json
COPY scripts/container/healthy.sh /usr/local/bin/phorest-healthy
# Unpacked here once, so that a container starts at once and works with a read-only root.
ENV PHOREST_CACHE_DIR=/opt/phorest
RUN phorest --version
# Without a config.toml nothing is started: the simulated chip would be photographed.
ENV PHOREST_REQUIRE_CONFIG=1
# The allocator's arenas, of which each keeps what its threads have freed. The program can only limit those that it adds.
ENV MALLOC_ARENA_MAX=2
# The page: reachable by what the host hands on, and by the token only. The address is the one that the start prints.
ENV PHOREST_WEB_HOST=0.0.0.0
ENV PHOREST_WEB_ADDRESS=127.0.0.1:8080
EXPOSE 8080
ENV PHOREST_HEALTH_FILE=/tmp/phorest.health
USER phorest
# No VOLUME: an anonymous one would vanish with `docker run --rm`, pictures and all. Mount a directory here.
WORKDIR /experiment
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["phorest-healthy"]
# Exec form: SIGTERM reaches the program itself, which then finishes the frame in hand.
ENTRYPOINT ["phorest"]
CMD ["run"]
