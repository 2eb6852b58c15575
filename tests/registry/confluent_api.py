"""Confluent's REST interface of a schema registry, whoever serves it."""

import requests

from ten_schemas import Schema

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_TIMEOUT_S = 60


class Api:
    """The interface at `url`. One for every thread: a session is not to be shared."""

    def __init__(self, url: str = ""):
        self.url = url
        self._session = requests.Session()

    def explain(self, what: str) -> str:
        """`what`, with all that is known of the registry's state."""
        return f"registry: {what}"

    def call(self, method: str, path: str, body=None, **query) -> requests.Response:
        """One request; `body` goes out as JSON. The answer may be a refusal."""
        return self._session.request(
            method,
            self.url + path,
            json=body,
            params=query,
            headers={"Content-Type": MEDIA_TYPE} if body is not None else None,
            timeout=_TIMEOUT_S,
        )

    def ask(self, method: str, path: str, body=None, **query):
        """One request that must succeed; the answer is its JSON."""
        answer = self.call(method, path, body, **query)
        assert answer.ok, self.explain(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def register(self, schema: Schema) -> int:
        """Registers `schema` under its subject; the answer is its id."""
        body = {"schemaType": schema.kind, "schema": schema.text}
        return self.ask("POST", f"/subjects/{schema.subject}/versions", body)["id"]

    def text_by_id(self, schema_id: int) -> str | None:
        """The text of schema `schema_id`, or None where there is none."""
        return self._text(f"/schemas/ids/{schema_id}")

    def text_by_version(self, subject: str, version: int) -> str | None:
        """The text of a version of `subject`, or None where there is none."""
        return self._text(f"/subjects/{subject}/versions/{version}")

    def _text(self, path: str) -> str | None:
        answer = self.call("GET", path)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()["schema"]

    def stored_text(self, schema: Schema) -> str:
        """The text that the registry gives back for `schema`."""
        return schema.text

    def missing(self, ids: dict[Schema, int]) -> list[str]:
        """The subjects that are not given back exactly, by id or by version."""
        return [
            schema.subject
            for schema, schema_id in ids.items()
            if not self.text_by_id(schema_id)
            == self.text_by_version(schema.subject, 1)
            == self.stored_text(schema)
        ]
