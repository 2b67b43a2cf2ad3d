import json
import logging
import sys

import pytest
from redis.exceptions import ConnectionError as StoreGone

from foundation import context
from foundation.logs import ContextFilter, JsonFormatter, StoreAway, TextFormatter


def record(message="hello %s", *args, **extra):
    made = logging.getLogger("room").makeRecord("room", logging.INFO, __file__, 1, message, args or ("you",), None)
    vars(made).update(extra)
    ContextFilter().filter(made)
    return made


def test_a_json_line_carries_the_request_the_job_and_what_was_added():
    context.request_id.set("req-1")
    context.job_id.set("job-1")

    line = json.loads(JsonFormatter().format(record(path="/x")))

    assert line["message"] == "hello you"
    assert (line["request_id"], line["job_id"], line["path"]) == ("req-1", "job-1", "/x")


def test_a_line_outside_of_requests_and_jobs_names_neither():
    context.request_id.set("")
    context.job_id.set("")

    line = json.loads(JsonFormatter().format(record()))

    assert not {"request_id", "job_id"} & set(line)


def test_an_exception_stays_one_line_of_json():
    try:
        raise ValueError("broken")
    except ValueError:
        made = record()
        made.exc_info = sys.exc_info()

    text = JsonFormatter().format(made)

    assert "\n" not in text
    assert "ValueError: broken" in json.loads(text)["exception"]


def test_a_person_reads_the_identities_at_the_end_of_the_line():
    context.request_id.set("0123456789abcdef")
    context.job_id.set("")

    assert TextFormatter().format(record()).endswith("room: hello you  [request=01234567]")


def failed_with(fault):
    made = record("Unexpected exception in receive task of %s")
    try:
        raise fault
    except type(fault):
        made.exc_info = sys.exc_info()
    return made


def test_a_channel_store_that_is_away_is_one_warning_without_a_traceback():
    made = failed_with(StoreGone("refused"))

    assert StoreAway().filter(made)

    line = json.loads(JsonFormatter().format(made))
    assert (line["level"], line["message"]) == ("WARNING", "the channel store does not answer: refused")
    assert "exception" not in line


@pytest.mark.parametrize("fault", [ValueError("ours"), KeyError("ours")])
def test_any_other_fault_of_the_channel_layer_keeps_its_traceback(fault):
    made = failed_with(fault)

    assert StoreAway().filter(made)

    assert "Traceback" in json.loads(JsonFormatter().format(made))["exception"]
