"""The protocol's codec: what one side writes the other reads, and nothing else is let through."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from altlas.kernel.errors import InvalidInput
from orchestrator.oip import request, response, tensors
from orchestrator.oip.tensors import NUMPY, Tensor

shapes = arrays.array_shapes(max_dims=3, max_side=4)


@given(data=st.data(), datatype=st.sampled_from(sorted(NUMPY)))
def test_numbers_survive_as_bytes_and_as_json(data: st.DataObject, datatype: str) -> None:
    values = data.draw(arrays.arrays(np.dtype(NUMPY[datatype]), shapes))
    if datatype.startswith("FP"):
        values = np.nan_to_num(values)
    tensor = Tensor(name="t", datatype=datatype, shape=values.shape, values=values)
    raw = tensors.from_bytes(name="t", datatype=datatype, shape=values.shape, data=memoryview(tensors.to_bytes(tensor)))
    assert np.array_equal(raw.values.reshape(values.shape), values)
    flat = json.loads(json.dumps(tensors.to_json(tensor)))
    plain = tensors.from_json(name="t", datatype=datatype, shape=values.shape, data=flat)
    assert np.array_equal(plain.values.reshape(values.shape), values)
    nested = tensors.from_json(name="t", datatype=datatype, shape=values.shape, data=values.tolist())
    assert np.array_equal(nested.values, plain.values)


@given(texts=st.lists(st.text(max_size=20), max_size=8))
def test_texts_survive_as_bytes_and_as_json(texts: list[str]) -> None:
    tensor = Tensor(name="t", datatype="BYTES", shape=(len(texts),), values=[text.encode() for text in texts])
    raw = tensors.from_bytes(name="t", datatype="BYTES", shape=(len(texts),), data=memoryview(tensors.to_bytes(tensor)))
    plain = tensors.from_json(name="t", datatype="BYTES", shape=(len(texts),), data=tensors.to_json(tensor))
    assert raw.texts() == plain.texts() == texts


@given(body=st.binary(max_size=200), header=st.none() | st.text(max_size=4))
def test_whatever_comes_in_is_read_or_refused(body: bytes, header: str | None) -> None:
    try:
        request.parse(body, header)
    except InvalidInput as exc:
        assert exc.detail


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "inputs",
                    "outputs",
                    "parameters",
                    "name",
                    "shape",
                    "datatype",
                    "data",
                    "binary_data_size",
                    "id",
                    "timeout",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(document=json_values, raw=st.binary(max_size=16))
def test_whatever_document_comes_in_is_read_or_refused(document: Any, raw: bytes) -> None:
    head = json.dumps(document).encode()
    try:
        request.parse(head + raw, str(len(head)))
    except InvalidInput as exc:
        assert exc.detail


def given_inputs(**more: Any) -> bytes:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["x"]}
    return json.dumps({"inputs": [tensor], **more}).encode()


def test_parameters_of_the_protocol_and_of_the_model_are_told_apart() -> None:
    found = request.parse(
        given_inputs(parameters={"priority": 1, "timeout": "2500000", "top_k": 3, "binary_data_output": True}), None
    )
    assert found.urgent and found.seconds == 2.5 and found.binary_output and found.params == {"top_k": 3}
    plain = request.parse(given_inputs(id="7"), None)
    assert (plain.id, plain.urgent, plain.seconds, plain.params) == ("7", False, None, {})


@pytest.mark.parametrize(
    "more",
    [
        {"parameters": {"priority": -1}}, {"parameters": {"timeout": 1.5}}, {"parameters": {"timeout": "soon"}},
        {"parameters": []}, {"id": 7}, {"outputs": {}}, {"outputs": [{}]},
        {"outputs": [{"name": "x", "parameters": {"classification": 3}}]},
        {"outputs": [{"name": "x", "parameters": {"shared_memory_region": "r"}}]},
        {"parameters": {"binary_data_output": "yes"}},
    ],
)  # fmt: skip
def test_wrong_members_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        request.parse(given_inputs(**more), None)


def test_outputs_come_in_the_order_and_form_that_is_asked_for() -> None:
    found = [
        Tensor(name="a", datatype="FP32", shape=(2,), values=np.array([1, 2], "<f4")),
        Tensor(name="b", datatype="BYTES", shape=(1,), values=[b"x"]),
    ]
    asked = request.parse(
        given_inputs(outputs=[{"name": "b"}, {"name": "a", "parameters": {"binary_data": True}}]), None
    )
    body, length = response.render(asked, found, model="m", version="1")
    head = json.loads(body[:length])
    assert [(entry["name"], entry.get("data")) for entry in head["outputs"]] == [("b", ["x"]), ("a", None)]
    assert np.frombuffer(body[length:], "<f4").tolist() == [1.0, 2.0]
    with pytest.raises(InvalidInput, match="no output 'c'"):
        response.render(request.parse(given_inputs(outputs=[{"name": "c"}]), None), found, model="m", version="1")


def test_an_unknown_output_is_found_by_the_names_alone() -> None:
    asked = request.parse(given_inputs(outputs=[{"name": "a"}, {"name": "c"}]), None)
    response.check_outputs(asked, ["c", "a"])
    with pytest.raises(InvalidInput, match="no output 'c'; this model has a, b") as caught:
        response.check_outputs(asked, ["a", "b"])
    assert caught.value.errors[0].pointer == "/outputs"
