"""Bugs as people make them still find the expressions that they replace."""

import pytest

from scripts.fault_list import FAULTS, Fault
from scripts.tools import ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.meaning)
def test_each_bug_of_make_faults_fits_the_gateware(fault: Fault):
    source = (ROOT / "hdl" / "ocellus_hdl" / fault.file).read_text()
    assert fault.put_in(source, "{wrong}") != source
    assert fault.put_in(source, "{right}") == source
