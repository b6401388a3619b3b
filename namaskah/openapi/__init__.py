"""The API's description in OpenAPI, made from the code, and the page that shows it."""
