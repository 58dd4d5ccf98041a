# One command each, from a fresh clone: `make demo` shows what it does, `make test` proves that it does it.
# PYTHON chooses the interpreter, VENV where the environment lies; pip's own settings are heeded.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Two processes with a thread each are quicker on two cores than one with two. `alone` is for tests that
# measure memory, or kill or count processes: they run behind the others, one at a time.
WORKERS ?= 2
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/pytest

.PHONY: demo test test-slow lint install clean

demo: install
	$(BIN)/python examples/demo_clip.py demo
	$(BIN)/vrestore inpaint demo/meadow.mp4 --mask demo/meadow.mask.mkv --grow 4 -y \
	  -o demo/meadow.inpaint.mp4 --compare demo/meadow.compare.mp4 --report demo/meadow.report.json
	@echo
	@echo "the clip        demo/meadow.mp4"
	@echo "its mask        demo/meadow.mask.mkv"
	@echo "the result      demo/meadow.inpaint.mp4"
	@echo "side by side    demo/meadow.compare.mp4"
	@echo "the report      demo/meadow.report.json"
	@echo
	@echo "your own video: $(BIN)/vrestore inpaint video.mp4 --mask mask.png"

# pytest runs against the installed package, not the checkout: a module missing from the wheel fails here.
test: lint
	$(call run_tests,not slow,fast)

test-slow: install
	$(call run_tests,slow,slow)

# $(1) is which tests, $(2) what their results are called in the folder RESULTS, if it is named. The second
# part is run although the first has failed.
define run_tests
@status=0; \
$(PYTEST) -m "$(1) and not alone" -n $(WORKERS) --dist worksteal $(call results,$(2)) || status=1; \
$(PYTEST) -m "$(1) and alone" $(call results,$(2)-alone) || status=1; \
exit $$status
endef
results = $(if $(RESULTS),--junit-xml=$(RESULTS)/$(1).xml)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --platform linux
	$(BIN)/mypy --platform win32
	$(BIN)/mypy --platform darwin

# The tools once, the package each time: it takes seconds, and a stale copy would be tested otherwise.
# A stale build folder would bring deleted files back, so it goes first.
install: $(VENV)/ready
	rm -rf build *.egg-info
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall .
	rm -rf build *.egg-info

$(VENV)/ready: pyproject.toml constraints.txt
	@echo "installing into $(VENV); the first time takes minutes, most of them for torch"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist demo *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
