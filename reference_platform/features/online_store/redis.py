"""The online store in Redis: one packed row per view and key, any number of views in one round trip.

Keys: `pd:PROJECT:VIEW:SCHEMA:{KEY}`; the braces put all rows of one entity into one slot. The server itself compares a
new row with the stored one, so any number of writers may send the same rows in any order. A write larger than
CALL_ROWS is not one step: a writer that dies leaves some rows written, and writing all again completes them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from reference_platform.errors import ConfigError
from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.naming import checked_name
from reference_platform.features.online_store.codec import VERSIONS_AT, RowCodec, key_bytes
from reference_platform.features.online_store.layout import RowLayout, Twins, batch_of
from reference_platform.features.online_store.port import (
    DeclaredAnewError,
    ViewAnswer,
    ViewRead,
    typed_keys,
    undeclared,
)
from reference_platform.features.online_store.rivals import codes_of, winners
from reference_platform.features.times import NEVER_US

if TYPE_CHECKING:
    import redis

CALL_ROWS = 500
"""Rows that one script call writes: few enough for the server to answer others in between."""
CALLS_PER_TRIP = 16
SCAN_KEYS = 1000
CONNECT_TIMEOUT_S = 2.0
REPLY_TIMEOUT_S = 10.0
RETRIES_MAX = 3

_INSTANT = struct.Struct(">Q")

_GREATER = f"""
local function greater(a, b)
  if a == b then return false end
  for i = {VERSIONS_AT + 1}, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end
"""
# Lua's own < follows the server's locale, so bytes are compared one by one.

_WRITE = (
    _GREATER
    + """
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema and schema ~= ARGV[1] then return -1 end
local won, made = 0, 0
for i = 2, #KEYS do
  local old = redis.call('GET', KEYS[i])
  if not old or greater(ARGV[i], old) then
    redis.call('SET', KEYS[i], ARGV[i])
    won = won + 1
    if not old then made = made + 1 end
  end
end
if not schema then redis.call('HSET', KEYS[1], 'schema', ARGV[1]) end
if made > 0 then redis.call('HINCRBY', KEYS[1], 'rows', made) end
return won
"""
)
_ADVANCE = """
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema and schema ~= ARGV[1] then return -1 end
local old = redis.call('HGET', KEYS[1], 'watermark')
if not old or old < ARGV[2] then redis.call('HSET', KEYS[1], 'schema', ARGV[1], 'watermark', ARGV[2]) end
return 0
"""
# Watermarks are hexadecimal digits of one length, which order alike in every locale.

_DECLARE = """
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema == ARGV[1] then return false end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'schema', ARGV[1])
return schema
"""


class _Stored:
    """A declared view and where its rows are."""

    __slots__ = ("codec", "layout", "meta", "prefix", "schema", "twins")

    def __init__(self, view: FeatureView, layout: RowLayout, root: str) -> None:
        self.layout = layout
        self.codec = RowCodec(view, layout)
        self.twins = Twins(view, layout)
        self.schema = f"{layout.fingerprint:08x}".encode()
        self.meta = f"{root}meta:{view.name}".encode()
        self.prefix = f"{root}{view.name}:".encode() + self.schema + b":{"


class RedisOnlineStore:
    """Rows of one project in the Redis at `url`, such as `redis://127.0.0.1:6379/0`. Connects when first used."""

    def __init__(self, url: str, project: str) -> None:
        import redis
        from redis.backoff import ExponentialBackoff
        from redis.retry import Retry

        self._root = f"pd:{checked_name(project, 'project')}:"
        try:
            self._client: redis.Redis = redis.Redis.from_url(
                url,
                socket_connect_timeout=CONNECT_TIMEOUT_S,
                socket_timeout=REPLY_TIMEOUT_S,
                retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES_MAX),
                retry_on_error=[redis.ConnectionError, redis.TimeoutError],
            )
        except ValueError as error:
            raise ConfigError("the online store's url is no Redis url", why=str(error)[:200],
                              fix="write redis://HOST:PORT/NUMBER") from error  # fmt: skip
        settings = self._client.connection_pool.connection_kwargs
        settings["decode_responses"] = False
        port = settings.get("port")
        self._where = settings.get("host", settings.get("path", "localhost")) + (f":{port}" if port else "")
        self._ask: Callable[..., Any] = self._client.execute_command
        self._failed: type[Exception] = redis.RedisError
        self._unknown_script: type[Exception] = redis.exceptions.NoScriptError
        self._scripts = {text: _sha1(text) for text in (_WRITE, _ADVANCE, _DECLARE)}
        self._stored: dict[str, _Stored] = {}

    def declare(self, views: Iterable[FeatureView]) -> None:
        """Create what is missing. A view whose keys or features changed starts empty."""
        stored = [_Stored(view, RowLayout(view), self._root) for view in views]
        if not stored:
            return
        replies = self._run(_DECLARE, [([each.meta], [each.schema]) for each in stored])
        for each, old in zip(stored, replies, strict=True):
            if old is not None:
                self._unlink(f"{self._root}{each.layout.view}:{old.decode()}:{{*")
            held = self._stored.get(each.layout.view)
            if held is None or held.schema != each.schema:
                self._stored[each.layout.view] = each

    def drop(self, view: str) -> None:
        """Forget the rows and the watermark of `view`; nothing happens when there are none."""
        checked_name(view, "feature view")
        self._stored.pop(view, None)
        try:
            self._client.delete(f"{self._root}meta:{view}")
        except self._failed as error:
            raise self._explained(error) from error
        # Rows only, of any schema: `meta:*` would be what is noted of every view.
        self._unlink(f"{self._root}{view}:????????:{{*")

    def write(self, view: FeatureView, rows: FeatureBlock) -> int:
        """Write rows; how many keys got a new row. Raises CommandError for a null key; nothing is then written."""
        stored = self._for(view)
        batch = batch_of(view, stored.layout, rows)
        if not len(batch):
            return 0
        keys = _row_keys(stored.prefix, key_bytes(view, batch.keys, checked=True) if batch.keys else [b""] * len(batch))
        order = winners(stored.codec, batch, codes_of(keys))
        won = 0
        step = CALL_ROWS * CALLS_PER_TRIP
        for start in range(0, len(order), step):
            index = order[start : start + step]
            packed: list[Any] = list(stored.codec.encode_batch(batch.take(index)))
            names: list[Any] = [keys[row] for row in index.tolist()]
            calls = [
                ([stored.meta, *names[at : at + CALL_ROWS]], [stored.schema, *packed[at : at + CALL_ROWS]])
                for at in range(0, len(names), CALL_ROWS)
            ]
            replies = self._run(_WRITE, calls)
            if -1 in replies:
                raise _redeclared(view.name)
            won += sum(replies)
        return won

    def read(self, reads: Sequence[ViewRead]) -> list[ViewAnswer]:
        """All answers in one round trip. A view that another process declared anew has no rows."""
        asked = []
        names: list[bytes] = []
        for read in reads:
            stored = self._for(read.view)
            keys = typed_keys(read)
            parts = key_bytes(read.view, keys, checked=True) if keys else [b""] * len(read)
            found = _row_keys(stored.prefix, parts)
            asked.append((stored, found))
            names += [name for name in found if name is not None]
        rows: list[bytes | None] = []
        if names:
            try:
                rows = self._ask("MGET", *names)
            except self._failed as error:
                raise self._explained(error) from error
        answers, at = [], 0
        for stored, found in asked:
            here = len(found) - found.count(None)
            some = rows[at : at + here]
            at += here
            if here < len(found):
                rest = iter(some)
                some = [None if name is None else next(rest) for name in found]
            answers.append(stored.codec.decode(some))
        return answers

    def watermark_us(self, view: str) -> int:
        """Event time up to which everything is written; NEVER_US before the first run, or when Redis forgot."""
        text = self._meta(view, "watermark")
        return NEVER_US if text is None else int(text, 16) - (1 << 63)

    def advance_watermark(self, view: str, to_us: int) -> None:
        """Move the watermark forward; an earlier instant leaves it where it is."""
        stored = self._of(view)
        digits = _INSTANT.pack(to_us + (1 << 63)).hex().encode()
        if self._run(_ADVANCE, [([stored.meta], [stored.schema, digits])]) == [-1]:
            raise _redeclared(view)

    def rows(self, view: str) -> int:
        """How many keys have a row."""
        return int(self._meta(view, "rows") or 0)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _meta(self, view: str, name: str) -> bytes | None:
        stored = self._of(view)
        try:
            schema, value = self._ask("HMGET", stored.meta, "schema", name)
        except self._failed as error:
            raise self._explained(error) from error
        if schema not in (None, stored.schema):
            raise _redeclared(view)
        return None if value is None else bytes(value)

    def _run(self, script: str, calls: Sequence[tuple[list[Any], list[Any]]]) -> list[Any]:
        """Replies to one call of `script` per (keys, arguments), in one round trip."""
        try:
            replies = self._call(script, calls)
            if any(isinstance(reply, self._unknown_script) for reply in replies):
                # A restarted server has forgotten its scripts.
                self._client.script_load(script)
                replies = self._call(script, calls)
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        except self._failed as error:
            raise self._explained(error) from error
        return replies

    def _call(self, script: str, calls: Sequence[tuple[list[Any], list[Any]]]) -> list[Any]:
        name = self._scripts[script]
        trip = self._client.pipeline(transaction=False)
        queue: Callable[..., Any] = trip.execute_command
        for keys, arguments in calls:
            queue("EVALSHA", name, len(keys), *keys, *arguments)
        replies: list[Any] = trip.execute(raise_on_error=False)
        return replies

    def _unlink(self, pattern: str) -> None:
        try:
            cursor = 0
            while True:
                cursor, names = self._client.scan(cursor, match=pattern, count=SCAN_KEYS)
                if names:
                    self._client.unlink(*names)
                if cursor == 0:
                    return
        except self._failed as error:
            raise self._explained(error) from error

    def _of(self, view: str) -> _Stored:
        stored = self._stored.get(view)
        if stored is None:
            raise undeclared(view, self._stored)
        return stored

    def _for(self, view: FeatureView) -> _Stored:
        stored = self._of(view.name)
        stored.twins.check(view)
        return stored

    def _explained(self, error: Exception) -> ConfigError:
        import redis

        unreachable = isinstance(error, redis.ConnectionError | redis.TimeoutError)
        refused = isinstance(error, redis.AuthenticationError | redis.exceptions.AuthorizationError)
        if unreachable and not refused:
            what, fix = "Redis does not answer", "start it with: redis-server; or set online_store: {type: embedded}"
        else:
            what, fix = "Redis refused", "check its password, memory limit and role, and the url in feature_store.yaml"
        return ConfigError(what, where=self._where, why=(str(error).splitlines() or [""])[0][:200], fix=fix)


def _row_keys(prefix: bytes, keys: Sequence[bytes | None]) -> list[Any]:
    return [None if key is None else prefix + key + b"}" for key in keys]


def _sha1(text: str) -> str:
    import hashlib

    # Redis names scripts by this hash; nothing is secured by it.
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _redeclared(view: str) -> DeclaredAnewError:
    return DeclaredAnewError(f"view {view} was declared anew by another process", fix="ask again")
