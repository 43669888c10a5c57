# Two stages: the first has a compiler for the kernel and SQLite, the second only what runs.
FROM node:20.20.2-bookworm-slim AS build
RUN apt-get update \
 && apt-get install --no-install-recommends -y g++ make python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/phorest
COPY . .
RUN npm ci && npm prune --omit=dev

FROM node:20.20.2-bookworm-slim
LABEL org.opencontainers.image.title="phorest" org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /opt/phorest
COPY --from=build /opt/phorest/package.json ./
COPY --from=build /opt/phorest/bin ./bin
COPY --from=build /opt/phorest/dist ./dist
COPY --from=build /opt/phorest/chips ./chips
COPY --from=build /opt/phorest/build/Release/phorest_kernel.node ./build/Release/
COPY --from=build /opt/phorest/node_modules ./node_modules
RUN ln -s /opt/phorest/bin/phorest.js /usr/local/bin/phorest && install -d -o node -g node /experiment
USER node
VOLUME /experiment
WORKDIR /experiment
# Exec form: SIGTERM reaches the program itself, which then finishes the frame in hand.
ENTRYPOINT ["phorest"]
CMD ["run"]
