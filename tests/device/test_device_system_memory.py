"""What the system says of memory; what only Windows and macOS can answer is not asked here."""

import pytest

from vrestore.device import system_memory

VM_STAT = """\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10.
Pages active:                            900.
Pages inactive:                           20.
Pages speculative:                         3.
Pages wired down:                        500.
Pages purgeable:                           4.
"File-backed pages":                      77.
"""


def test_macos_counts_pages_that_can_be_taken():
    assert system_memory.available_on_macos(VM_STAT) == 37 * 16384


@pytest.mark.parametrize("said", ["", "vm_stat: not permitted"], ids=repr)
def test_without_an_answer_nothing_is_known(said):
    assert system_memory.available_on_macos(said) is None


@pytest.mark.alone
def test_a_process_holds_no_more_than_it_has_held():
    resident, peak = system_memory.resident_bytes(), system_memory.peak_bytes()
    assert resident is None or 2**20 < resident <= peak


def test_where_nobody_tells_little_is_taken_for_free(monkeypatch):
    monkeypatch.setattr(system_memory, "_proc_bytes", lambda _file, _name: None)
    monkeypatch.delattr("os.sysconf_names", raising=False)
    assert system_memory.available_bytes() == 4 << 30
