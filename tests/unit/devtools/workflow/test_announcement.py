from dataclasses import replace

from devtools.workflow.announcement import Announcement

API = "http://127.0.0.1:8000/api/v1/payments"
AUTHORIZATION = "-H 'Authorization: Bearer key-1'"
JSON = "-H 'Content-Type: application/json' -d"
KEY = "0d6c1f0e-0000-4000-8000-000000000000"
ANNOUNCEMENT = Announcement(
    web_url="http://127.0.0.1:8000",
    sandbox_url="http://127.0.0.1:8001",
    demonstration={
        "staff": [{"role": "support", "username": "ada", "password": "secret"}],
        "customer": {"username": "demo-customer", "user_id": 2},
    },
    api_key="key-1",
    example_key=KEY,
    logs=".local/logs",
)


def test_text_has_urls_log_ins_key_and_lines_to_paste():
    assert ANNOUNCEMENT.text().splitlines() == [
        "",
        "  API         http://127.0.0.1:8000/api/docs",
        "  back office http://127.0.0.1:8000/admin/",
        "  sandbox     http://127.0.0.1:8001/",
        "  logs        .local/logs",
        "",
        "  Log in to the back office, each with what the role may do:",
        "  support     ada / secret",
        "  API key     key-1",
        "",
        "  For docs/API_GUIDE.md, in another terminal:",
        "  export NAMASKAH_URL=http://127.0.0.1:8000",
        "  export NAMASKAH_KEY=key-1",
        "  export NAMASKAH_USER_ID=2",
        "  export SANDBOX_URL=http://127.0.0.1:8001",
        "",
        f"  curl {AUTHORIZATION} http://127.0.0.1:8000/api/v1/billing/balance",
        f"  curl {AUTHORIZATION} -H 'Idempotency-Key: {KEY}' {JSON} '{{\"amount_usd\": \"10.00\"}}' {API}/initialize",
        f'  curl {AUTHORIZATION} {JSON} \'{{"reference": "nmk-…"}}\' {API}/verify',
        "",
        "Ctrl-C stops all of it.",
    ]


def test_export_lines_name_no_sandbox_where_paystack_itself_is_used():
    announcement = replace(ANNOUNCEMENT, sandbox_url=None)

    assert announcement.export_lines() == [
        "  export NAMASKAH_URL=http://127.0.0.1:8000",
        "  export NAMASKAH_KEY=key-1",
        "  export NAMASKAH_USER_ID=2",
    ]


def test_text_lines_up_a_role_with_a_long_name():
    staff = [{"role": role, "username": "ada", "password": "secret"} for role in ("administrator", "support")]
    announcement = replace(ANNOUNCEMENT, demonstration={**ANNOUNCEMENT.demonstration, "staff": staff})

    lines = announcement.text().splitlines()

    assert lines[7:10] == ["  administrator ada / secret", "  support       ada / secret", "  API key       key-1"]
