"""Long recordings: stretches with context join to the sequence."""

import numpy as np
import pytest

from softsed.predict.long_audio import overlapping


@pytest.mark.parametrize("length", [1, 7, 20, 33])
@pytest.mark.parametrize("overlap", [1, 3, 20])
def test_stretches_join_to_the_sequence(length, overlap):
    whole = np.arange(33)
    for pieces in ([whole], np.split(whole, [1, 2, 13]), np.split(whole, 33)):
        found = list(overlapping(pieces, length, overlap))
        joined = [stretch[lead : lead + length] for stretch, lead in found]
        np.testing.assert_array_equal(np.concatenate(joined), whole)
        assert len(found) == -(-33 // length)
        for index, (stretch, lead) in enumerate(found):
            own = range(index * length - lead, min(33, (index + 1) * length + overlap))
            assert stretch.tolist() == list(own)
            assert lead == min(overlap, index * length)
