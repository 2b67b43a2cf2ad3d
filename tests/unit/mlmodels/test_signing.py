import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmodels import signing
from mlmodels.signing import BadSignature, NotCanonical

SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=8,
)
CONTENT = {"version": "1.0.0", "files": [{"role": "readout", "bytes": 209_444}], "platform": None, "name": "größe"}


def test_the_canonical_text_is_sorted_and_has_no_white_space():
    assert signing.canonical(CONTENT).decode() == (
        '{"files":[{"bytes":209444,"role":"readout"}],"name":"größe","platform":null,"version":"1.0.0"}'
    )


@given(VALUES)
def test_reading_and_writing_again_leads_to_the_same_text(value):
    text = signing.canonical(value)

    assert signing.canonical(json.loads(text)) == text


@pytest.mark.parametrize("value", [0.5, {"a": [1, 2.0]}, [{"b": {"c": float("inf")}}], {"a": object()}])
def test_what_languages_write_differently_is_refused(value):
    with pytest.raises(NotCanonical):
        signing.canonical(value)


def test_a_signature_is_what_the_standard_says():
    """RFC 8032, section 7.1, test 1: the empty message. Ours is never empty, so the key is compared."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")

    assert signing.public_key(seed).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def test_what_was_signed_verifies_after_a_journey_as_json():
    arrived = json.loads(json.dumps(signing.signed(CONTENT, SEED), indent=3))

    signing.verify(arrived, signing.public_key(SEED))
    assert arrived["signature"]["key_id"] == signing.key_id(signing.public_key(SEED))


def changed(**changes):
    return {**signing.signed(CONTENT, SEED), **changes}


@pytest.mark.parametrize(
    "arrived",
    [
        changed(version="1.0.1"),
        changed(extra=1),
        changed(files=[]),
        {name: value for name, value in changed().items() if name != "platform"},
        changed(signature={"value": "AAAA"}),
        changed(signature={"value": "not base64!"}),
        changed(signature={}),
        changed(signature=None),
        changed(share=0.5),
        CONTENT,
    ],
    ids=["value", "more", "less in a list", "less", "short", "no base64", "empty", "null", "fraction", "unsigned"],
)
def test_what_was_changed_on_the_way_is_refused(arrived):
    with pytest.raises(BadSignature):
        signing.verify(arrived, signing.public_key(SEED))


def test_another_key_is_refused():
    with pytest.raises(BadSignature):
        signing.verify(signing.signed(CONTENT, SEED), signing.public_key(OTHER))
