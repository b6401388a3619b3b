from devtools.workflow.announcement import Announcement

API = "http://127.0.0.1:8000/api/v1/payments"
AUTHORIZATION = "-H 'Authorization: Bearer key-1'"
JSON = "-H 'Content-Type: application/json' -d"
KEY = "0d6c1f0e-0000-4000-8000-000000000000"


def test_text_has_urls_log_ins_key_and_lines_to_paste():
    announcement = Announcement(
        web_url="http://127.0.0.1:8000",
        sandbox_url="http://127.0.0.1:8001",
        demonstration={"staff": [{"role": "support", "username": "ada", "password": "secret"}]},
        api_key="key-1",
        example_key=KEY,
        logs=".local/logs",
    )

    assert announcement.text().splitlines() == [
        "",
        "  API         http://127.0.0.1:8000/api/v1",
        "  back office http://127.0.0.1:8000/admin/",
        "  sandbox     http://127.0.0.1:8001/",
        "  logs        .local/logs",
        "",
        "  support     ada / secret",
        "  API key     key-1",
        "",
        f"  curl {AUTHORIZATION} http://127.0.0.1:8000/api/v1/billing/balance",
        f"  curl {AUTHORIZATION} -H 'Idempotency-Key: {KEY}' {JSON} '{{\"amount_usd\": \"10.00\"}}' {API}/initialize",
        f'  curl {AUTHORIZATION} {JSON} \'{{"reference": "nmk-…"}}\' {API}/verify',
        "",
        "Ctrl-C stops all of it.",
    ]
