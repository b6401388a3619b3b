import hashlib
import hmac
import json
import socket
import threading

from devtools.sandbox import server
from tests.waiting import wait_until

from .conftest import ORDER, SECRET_KEY


def plain_signature(body):
    return hmac.new(SECRET_KEY.encode(), body, hashlib.sha512).hexdigest()


def test_payment_is_told_with_a_signature_over_the_raw_bytes(telling, receiver, page):
    paid = telling.pay("nmk-1")

    ((body, signature),) = receiver.received
    assert signature == plain_signature(body)
    assert json.loads(body)["event"] == "charge.success"
    assert json.loads(body)["data"]["id"] == paid["transaction"]["id"]
    assert [delivery["status"] for delivery in paid["deliveries"]] == [200]
    assert paid["deliveries"][0]["milliseconds"] > 0


def test_duplicates_are_byte_identical(telling, receiver, page):
    paid = telling.pay("nmk-1", deliveries=3)

    assert [delivery["status"] for delivery in paid["deliveries"]] == [200, 200, 200]
    assert len(receiver.received) == 3
    assert len(set(receiver.received)) == 1


def test_only_exactly_200_counts_and_retries_are_byte_identical(telling, receiver, page):
    receiver.statuses = [500, 202, 200]

    first = telling.pay("nmk-1")["deliveries"]

    wait_until(lambda: len(telling.deliveries("nmk-1")) == 3, seconds=5)
    log = telling.deliveries("nmk-1")
    assert [delivery["status"] for delivery in first] == [500]
    assert [(row["number"], row["status"], row["event"]) for row in log] == [
        (1, 500, "charge.success"),
        (2, 202, "charge.success"),
        (3, 200, "charge.success"),
    ]
    assert len({row["delivery"] for row in log}) == 1
    assert len(set(receiver.received)) == 1


def test_retries_end(telling, receiver, page):
    receiver.statuses = [404]
    telling.pay("nmk-1")
    wait_until(lambda: len(telling.deliveries("nmk-1")) == 3, seconds=5)

    receiver.statuses = [200]
    telling.deliver("nmk-1")

    assert [row["status"] for row in telling.deliveries("nmk-1")] == [404, 404, 404, 200]


def test_endpoint_that_is_away_is_tried_again(telling, receiver, page):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        telling.settings.webhook_url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        first = telling.pay("nmk-1")["deliveries"]
        telling.settings.webhook_url = receiver.url

    wait_until(lambda: receiver.received, seconds=5)
    log = telling.deliveries()
    assert first[0]["status"] is None
    assert log[0]["error"].startswith("ConnectionRefusedError")


def test_without_an_address_nothing_is_sent(sandbox, page):
    paid = sandbox.pay("nmk-1")

    assert (paid["deliveries"], sandbox.deliveries()) == ([], [])


def test_stored_event_is_sent_again_by_name(telling, receiver, api, page):
    telling.pay("nmk-1", deliveries=0)
    refund = api.post("/refund", json={"transaction": "nmk-1"}).json()["data"]
    telling.move_refund(refund["id"], "processed", deliveries=0)
    wait_until(lambda: len(receiver.received) == 1, seconds=5)

    newest = telling.deliver("nmk-1")
    named = telling.deliver("nmk-1", event="charge.success", times=2)

    assert [len(newest), len(named)] == [1, 2]
    assert [json.loads(body)["event"] for body, _ in receiver.received] == [
        "refund.pending",
        "refund.processed",
        "charge.success",
        "charge.success",
    ]


def test_any_event_can_be_sent_signed_or_not(telling, receiver):
    telling.send_event({"event": "x"})
    telling.send_event(raw=b"\xff\xfe", deliveries=1)
    telling.send_event(raw="{broken", signed=False)

    assert receiver.received == [
        (b'{"event":"x"}', plain_signature(b'{"event":"x"}')),
        (b"\xff\xfe", plain_signature(b"\xff\xfe")),
        (b"{broken", None),
    ]


def test_event_keeps_characters_as_they_are_and_lone_surrogates_as_escapes(telling, receiver, initialize):
    initialize(metadata='{"note": "₦ \\ud800"}')

    telling.pay("nmk-1")

    ((body, _),) = receiver.received
    assert '"note":"₦ \\ud800"' in body.decode()


def test_the_sandbox_ends_while_a_delivery_hangs(receiver):
    receiver.gate.clear()
    results = []
    with server.running(secret_key=SECRET_KEY, webhook_url=receiver.url) as sandbox:
        waiting = threading.Thread(target=lambda: results.append(sandbox.send_event({"event": "x"})))
        waiting.start()
        wait_until(lambda: receiver.received, seconds=5)

    waiting.join(timeout=5)
    assert results == [[]]


def test_retries_to_come_are_forgotten_at_the_end(receiver):
    receiver.statuses = [500]
    with server.running(secret_key=SECRET_KEY, webhook_url=receiver.url, retry_seconds=[60]) as sandbox:
        first = sandbox.send_event({"event": "x"})

    assert ([delivery["status"] for delivery in first], len(receiver.received)) == ([500], 1)


def test_secret_key_decides_signature_and_mode(telling, receiver, api):
    api.put("/sandbox/settings", json={"secret_key": "sk_live_other"})
    api.post("/transaction/initialize", json=ORDER, headers={"Authorization": "Bearer sk_live_other"})
    telling.pay("nmk-1")

    ((body, signature),) = receiver.received
    assert signature == hmac.new(b"sk_live_other", body, hashlib.sha512).hexdigest()
    assert json.loads(body)["data"]["domain"] == "live"


def names_of(receiver):
    return [json.loads(body)["event"] for body, _ in receiver.received]


def test_event_that_is_never_sent_can_be_sent_by_hand(telling, receiver, page):
    telling.script(operation="webhook", fault="never_sent", times=None)

    paid = telling.pay("nmk-1")

    assert (paid["deliveries"], receiver.received) == ([], [])
    assert [delivery["status"] for delivery in telling.deliver("nmk-1")] == [200]


def test_event_that_is_sent_late_is_sent_by_itself(telling, receiver, page):
    telling.script(operation="webhook", fault="sent_late", seconds=0.05)

    paid = telling.pay("nmk-1")

    assert (paid["deliveries"], receiver.received) == ([], [])
    wait_until(lambda: names_of(receiver) == ["charge.success"], seconds=5)


def test_event_that_is_sent_again_comes_as_often(telling, receiver, page):
    telling.script(operation="webhook", fault="sent_again", copies=3)

    assert len(telling.pay("nmk-1")["deliveries"]) == 3
    assert len(set(receiver.received)) == 1


def test_event_that_is_sent_after_the_next_of_its_payment_comes_second(telling, receiver, page, initialize):
    initialize(reference="nmk-2")
    telling.script(operation="webhook", fault="sent_after_next", reference="nmk-1")
    telling.pay("nmk-1")

    telling.pay("nmk-2")
    telling.open_dispute("nmk-1")

    wait_until(lambda: len(receiver.received) == 3, seconds=5)
    assert names_of(receiver) == ["charge.success", "charge.dispute.create", "charge.success"]
    assert [row["reference"] for row in telling.deliveries()] == ["nmk-2", "nmk-1", "nmk-1"]


def test_script_of_calls_does_not_touch_the_sending_of_events(telling, receiver, page):
    telling.script(operation="any", fault="http_500", times=None)

    telling.pay("nmk-1")

    assert names_of(receiver) == ["charge.success"]
