"""A call over HTTP: its address, its headers, its attempts, its outcome.

Nothing here does any input or output. A call is a generator of steps, like an `auth_flow` of httpx:
it yields a step, and the client, synchronous or not, carries it out and sends back the outcome. So
everything but the input and output (`_clients.py`) has one implementation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Dict, Generator, Generic, Mapping, Optional, Tuple, TypeVar, Union
from urllib.parse import quote, urlencode

import httpx

from . import _runtime
from ._config import Config, Secret, check_idempotency_key, check_retries, check_timeout
from ._errors import ApiError
from ._problem import error_of
from ._retry import retry_delay
from ._version import __version__

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """The request of a resource, and the type of its answer. Each part of the path is escaped."""

    method: str
    path: Tuple[str, ...]
    query: Optional[Mapping[str, object]] = None
    body: Optional[Mapping[str, object]] = None


@dataclass(frozen=True)
class Options:
    """Settings of one call; each replaces the client's own."""

    timeout: Optional[float] = None
    retries: Optional[int] = None
    idempotency_key: Optional[str] = None


@dataclass(frozen=True)
class Send:
    """A step: one attempt. It comes back as an `Answer`, or fails with an `ApiError`."""

    method: str
    url: str
    headers: Dict[str, str]
    content: Optional[bytes]
    timeout: float
    api_key: Optional[Secret]
    """Not yet a header: error reporters print the local variables of every frame."""


@dataclass(frozen=True)
class Sleep:
    """A step: a pause."""

    seconds: float


@dataclass(frozen=True)
class Acquire:
    """A step: takes the client's lock; it comes back as the lock, to be released."""


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes


Step = Union[Send, Sleep, Acquire]
Steps = Generator[Step, Any, T]


def send(config: Config, call: Call[T], options: Options) -> Steps[T]:
    """Sends a call with the secret key and returns its JSON, or `None` for an empty answer."""
    answer = yield from download(config, call, options)
    result: T = read_json(answer)
    return result


def download(config: Config, call: Call[Any], options: Options) -> Steps[Answer]:
    """Sends a call with the secret key and returns its answer as it is."""
    headers = {}
    content = None
    if call.body is not None:
        headers["content-type"] = "application/json"
        content = encode(call.body)
    if call.method in ("POST", "DELETE"):
        headers["idempotency-key"] = _idempotency_key(config, options)
    url = config.base_url + _path(call.path) + _query(call.query or {})
    request = _request(config, options, call.method, url)
    request = replace(request, headers={**request.headers, **headers}, content=content)
    answer = yield from _attempts(config, options, replace(request, api_key=config.api_key))
    return answer


def get_public(config: Config, path: str) -> Steps[Any]:
    """Gets a public document of the server, from its root and without the key."""
    request = _request(config, Options(), "GET", config.origin + path)
    answer = yield from _attempts(config, Options(), request)
    return read_json(answer)


def _request(config: Config, options: Options, method: str, url: str) -> Send:
    timeout = check_timeout(config.timeout if options.timeout is None else options.timeout)
    headers = {"accept": "application/json", "user-agent": f"unitpay-python/{__version__}"}
    return Send(method, url, headers, None, timeout, None)


def _attempts(config: Config, options: Options, request: Send) -> Steps[Answer]:
    retries = check_retries(config.retries if options.retries is None else options.retries)
    failed = 0
    while True:
        try:
            answer: Answer = yield request
            if 200 <= answer.status < 300:
                return answer
            raise error_of(answer.status, answer.headers, answer.body, _runtime.now())
        except ApiError as error:
            if failed >= retries:
                raise
            delay = retry_delay(error, failed, _runtime.random(), _runtime.now())
            if delay is None:
                raise
        yield Sleep(delay)
        failed += 1


def encode(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")


def read_json(answer: Answer) -> Any:
    if not answer.body:
        return None
    try:
        return json.loads(answer.body)
    except ValueError:
        message = "The answer is not JSON. Check base_url."
        error = ApiError(message, status=answer.status, headers=answer.headers)
        raise error from None


def _idempotency_key(config: Config, options: Options) -> str:
    if options.idempotency_key is None:
        return config.idempotency_key_prefix + _runtime.unique()
    return check_idempotency_key(options.idempotency_key)


def _path(parts: Tuple[str, ...]) -> str:
    return "".join(f"/{_segment(part)}" for part in parts)


def _segment(part: str) -> str:
    # A URL cannot hold these three in its path: they would silently name another resource.
    if not isinstance(part, str) or part in ("", ".", ".."):
        raise ValueError(f"not an id that a request's path can hold: {part!r}")
    return quote(part, safe="")


def _query(parameters: Mapping[str, object]) -> str:
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in parameters.items()
        if value is not None
    }
    return f"?{urlencode(texts)}" if texts else ""
