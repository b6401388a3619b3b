"""The part of the API of https://paystack.com/docs/api that the sandbox speaks."""
