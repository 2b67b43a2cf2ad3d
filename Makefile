# make setup   everything both commands below need: .venv, Python packages, the built browser client
# make run     the whole site at http://127.0.0.1:8000 (another port: PORT=9000 make run)
# make test    every check; make bench measures and paints on WebGPU; make peers installs the networks we measure ours against
# make exporters   the converters of export_model for phones, in a Python of their own (2.6 GB)

PYTHON ?= python3.11
PY := .venv/bin/python
CLIENT := platform/webclient
CLIENT_SOURCES := $(CLIENT)/index.html $(CLIENT)/vite.config.ts $(CLIENT)/tsconfig.json \
	$(shell find $(CLIENT)/src $(CLIENT)/public -type f 2>/dev/null)

.PHONY: setup run test bench peers exporters clean
.DELETE_ON_ERROR:

setup: .venv/.installed $(CLIENT)/dist/index.html

# The stamps are written last: an installation that was cut off is taken up again.
.venv/.installed: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "Impasto needs Python 3.11 ($(PYTHON) was not found)."; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@# librosa compiles its loops at the first import, for a minute: here, and not while somebody waits for a sound.
	$(PY) -c "import librosa.beat"
	@touch $@

$(CLIENT)/node_modules/.installed: $(CLIENT)/package-lock.json
	@command -v npm >/dev/null || { echo "Impasto needs Node 20 or newer (npm was not found)."; exit 1; }
	cd $(CLIENT) && npm ci --no-fund --no-audit --loglevel=error
	@touch $@

$(CLIENT)/dist/index.html: $(CLIENT)/node_modules/.installed $(CLIENT_SOURCES)
	cd $(CLIENT) && npm run --silent build -- --logLevel warn
	@touch $@

run: setup
	@$(PY) manage.py prepare
	@exec $(PY) manage.py serve

test: setup
	@scripts/install-browser
	@scripts/check

bench: setup
	$(PY) -m pytest tests/performance -m performance -s
	PYTHONPATH=.:platform $(PY) -m pytest tests/browser -m "webgpu or performance" -s

# What evaluate_model --peer needs, on top of the product's own packages.
peers: setup
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-peers.txt

# What export_model needs for every format but ONNX. Its packages and the site's disagree, so they live apart.
exporters: .venv-exporters/.installed

.venv-exporters/.installed: requirements-exporters.txt
	@command -v $(PYTHON) >/dev/null || { echo "Impasto needs Python 3.11 ($(PYTHON) was not found)."; exit 1; }
	@test -x .venv-exporters/bin/python || $(PYTHON) -m venv .venv-exporters
	.venv-exporters/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-exporters.txt
	@touch $@

clean:
	rm -rf .venv .venv-exporters $(CLIENT)/node_modules $(CLIENT)/dist
