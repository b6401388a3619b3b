"""The product as it runs in production: real processes on the test database, with a Valkey of their own."""
