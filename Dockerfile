# An image that grades transcripts, as an unprivileged user, on a read-only file system, with nothing to fetch at run time:
#
#   docker build -t evaluator .
#   docker run --rm -i --read-only --cap-drop=ALL --security-opt=no-new-privileges evaluator grade - < answer.vtt
#
# A tag moves with its security updates; to pin the exact base give its digest:
#   --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PATH=/opt/evaluator/bin:$PATH
WORKDIR /source
RUN python -m venv /opt/evaluator
COPY requirements/build.txt requirements/run.txt requirements/check requirements/
RUN pip install --no-deps --require-hashes -r requirements/build.txt \
    && pip install --no-deps --no-build-isolation --require-hashes -r requirements/run.txt \
    && sh requirements/check python

FROM packages AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY rubrics rubrics
COPY prompts prompts
COPY fixtures/transcripts fixtures/transcripts
COPY evaluator evaluator
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /dist .

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 evaluator \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin evaluator
COPY --from=packages /opt/evaluator /opt/evaluator
# A layer of its own for the package: a new version of it moves kilobytes, not the packages above.
RUN --mount=type=bind,from=wheel,source=/dist,target=/dist \
    /opt/evaluator/bin/pip install --no-cache-dir --no-deps --no-index /dist/*.whl
# So that nothing is written, not even to a temporary folder: joblib would make a semaphore for processes that the
# evaluator never starts.
ENV PATH=/opt/evaluator/bin:$PATH \
    HF_HUB_OFFLINE=1 \
    JOBLIB_MULTIPROCESSING=0 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /data
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["evaluator", "--version"]
ENTRYPOINT ["evaluator"]
CMD ["--help"]
