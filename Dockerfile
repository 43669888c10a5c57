# Two stages: the first makes the one executable, the second is Debian and that file.
FROM node:20.20.2-bookworm AS build
WORKDIR /opt/phorest
COPY . .
# Seconds of the commit: .git stays outside.
ARG SOURCE_DATE_EPOCH=0
# Nothing of these packages is compiled: what goes into the executable is, by the packing, for its own Node.js.
RUN npm ci --ignore-scripts && npm run package -- --out /opt/packed && mv /opt/packed/phorest-*-linux-*64 /opt/phorest.bin

FROM debian:12.12-slim
LABEL org.opencontainers.image.title="phorest" org.opencontainers.image.licenses="MIT"
RUN apt-get update \
 && apt-get install --no-install-recommends -y v4l-utils \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 phorest \
 && useradd --uid 1000 --gid phorest --groups video --create-home phorest \
 && install -d -o phorest -g phorest /experiment
COPY --from=build /opt/phorest.bin /usr/local/bin/phorest
# Unpacked here once, so that a container starts at once and works with a read-only root.
ENV PHOREST_CACHE_DIR=/opt/phorest
RUN phorest --version
USER phorest
VOLUME /experiment
WORKDIR /experiment
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["phorest", "health", "--expect-running"]
# Exec form: SIGTERM reaches the program itself, which then finishes the frame in hand.
ENTRYPOINT ["phorest"]
CMD ["run"]
