import pytest

from namaskah.secret_texts import has_secret


@pytest.mark.parametrize(
    "text",
    [
        "Card 4084084084084081, he says",
        "4084 0840 8408 4081",
        "5060-6666-6666-6666-666",
        "378282246310005",
        "4111.1111.1111.1111",
        "4111\N{NO-BREAK SPACE}1111\N{NO-BREAK SPACE}1111\N{NARROW NO-BREAK SPACE}1111",
        "3782 822463 10005",
        "４１１１１１１１１１１１１１１１",
        "4111\N{ZERO WIDTH SPACE}1111 1111\N{WORD JOINER}1111",
        "4111 \N{EN DASH} 1111 \N{EN DASH} 1111 \N{EN DASH} 1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111 1111 1111 1111 12/27",
        "41111111-11111111",
        "2223 0031 2200 3222",
        "4222222222222",
        "the key is sk_live_0123456789abcdef",
        "sk_test_01234567",
        "AUTH_p7c3n1v8ye",
        "Authorization: Bearer 0123456789abcdef",
    ],
)
def test_has_secret_finds_card_numbers_and_keys(text):
    assert has_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Called back on 0803 123 4567.",
        "nmk-01m7zsxg6xkm4a5spnfcxwhwk7jaekjx2ppv",
        "card ending in 4081",
        "Paystack's transaction 4099260516",
        "41,250.00 NGN on 2026-11-21 10:00:00",
        "sk_live_…",
        "1234567890123456",
        "2026-11-21 10.00.00 and 2026.11.21",
        "+234 803 123 4567, +234 803 123 4568",
        "Transactions 4099260516, 4099260517 and 4099260518",
        "2340803123456",
    ],
)
def test_has_secret_lets_pass_what_support_writes(text):
    assert not has_secret(text)
