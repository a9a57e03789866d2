from __future__ import annotations

import copy
import pickle

import pytest

from search.frozen import FrozenMapping


def test_it_equals_a_dict_and_keeps_its_order() -> None:
    frozen = FrozenMapping({"b": 1, "a": 2})
    assert frozen == {"a": 2, "b": 1}
    assert dict.__eq__({"b": 1, "a": 2}, frozen) is NotImplemented  # so ours is asked
    assert frozen != {"b": 1}
    assert list(frozen) == ["b", "a"]
    assert {**frozen} == dict(frozen)
    assert repr(frozen) == "{'b': 1, 'a': 2}"
    assert frozen["a"] == 2
    assert len(frozen) == 2


def test_it_is_a_copy_that_cannot_be_changed() -> None:
    source = {"a": 1}
    frozen = FrozenMapping(source)
    source["a"] = 2
    assert frozen["a"] == 1
    with pytest.raises(TypeError):
        frozen["a"] = 3  # type: ignore[index]  # that it fails is the point
    assert not hasattr(frozen, "update")


def test_it_is_hashed_by_its_items_and_copied_whole() -> None:
    one, two = FrozenMapping({"a": 1, "b": 2}), FrozenMapping({"b": 2, "a": 1})
    assert hash(one) == hash(two)
    for again in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert type(again) is FrozenMapping
        assert again == one
