# One command each, from a fresh clone: `make demo` shows what it does, `make test` proves that it does it.
# PYTHON chooses the interpreter, VENV where the environment lies; pip's own settings are heeded.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

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
	$(BIN)/pytest

test-slow: install
	$(BIN)/pytest -m slow

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
