"""One file from the network: from the first mirror that has it, under its name only when its checksum is right."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from discern.errors import DownloadError
from discern.files import atomic_write
from discern.i18n import _
from discern.progress import Progress, ignore_progress

MAX_BYTES = 4 << 30
_BLOCK = 1 << 18


@dataclass(frozen=True)
class RemoteFile:
    """A file elsewhere."""

    name: str  # file name to save it under
    sha256: str  # checksum, in hexadecimal; or its first digits, where the publisher gives no more
    urls: tuple[str, ...]  # where it is, the best place first


class _Unsuitable(Exception):
    """What arrived is not the file; the message says why."""


def download(remote: RemoteFile, folder: Path, progress: Progress = ignore_progress, timeout: float = 30) -> Path:
    """Download a file into ``folder``, unless it is there, and return its path.

    ``progress`` gets the bytes so far, and a total of 0 where the server does not say; after ``timeout`` seconds
    without a byte the next mirror is tried. Raises `DownloadError` when no mirror has the right file, `DiskError` when
    the disk is full or the folder is not writable.
    """
    target = folder / remote.name
    if target.exists():
        return target
    reasons = []
    for url in remote.urls:
        try:
            with atomic_write(target) as temporary:
                _fetch(url, remote, temporary, progress, timeout)
            return target
        except (OSError, ValueError, http.client.HTTPException, _Unsuitable) as error:  # ValueError: no URL
            reasons.append(str(getattr(error, "reason", "") or error or type(error).__name__))
    reason = "; ".join(dict.fromkeys(reasons))
    message = _("{name} could not be downloaded ({reason}): check the network and try again.")
    raise DownloadError(message.format(name=remote.name, reason=reason), reason)


def fetch_checksum(url: str, timeout: float = 10) -> str:
    """Return the SHA-256 that a hub for large files states for the file at ``url``, in the header X-Linked-Etag.

    Raises `DownloadError` when it cannot be reached or states none.
    """
    try:
        _require_online()
        request = urllib.request.Request(url, headers={"User-Agent": "discern"}, method="HEAD")
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout) as response:
            headers = response.headers
    except urllib.error.HTTPError as error:
        headers = error.headers
        if not 300 <= error.code < 400:
            raise _unreachable(url, str(error)) from error
    except (OSError, ValueError, http.client.HTTPException, _Unsuitable) as error:  # ValueError: no URL
        raise _unreachable(url, str(getattr(error, "reason", "") or error)) from error
    checksum = (headers.get("X-Linked-Etag") or "").strip('W/"')
    if not re.fullmatch(r"[0-9a-f]{64}", checksum):
        reason = _("the hub states no checksum")
        raise DownloadError(_("{url} could not be checked: {reason}.").format(url=url, reason=reason), reason)
    return checksum


def _unreachable(url: str, reason: str) -> DownloadError:
    return DownloadError(_("{url} could not be reached ({reason}).").format(url=url, reason=reason), reason)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: the header wanted is on the redirection itself."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def _require_online() -> None:
    """Refuse to go on the network where ``DISCERN_OFFLINE`` is set."""
    if os.environ.get("DISCERN_OFFLINE"):
        raise _Unsuitable(_("DISCERN_OFFLINE is set"))


def _fetch(url: str, remote: RemoteFile, temporary: Path, progress: Progress, timeout: float) -> None:
    _require_online()
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "discern"})
    with urllib.request.urlopen(request, timeout=timeout) as response, temporary.open("wb") as file:
        total = int(response.headers.get("Content-Length") or 0)
        done = 0
        while block := response.read(_BLOCK):
            file.write(block)
            digest.update(block)
            done += len(block)
            progress(_("downloading {name}").format(name=remote.name), done, total)
            if done > MAX_BYTES:
                raise _Unsuitable(_("it is larger than any valid file"))
    if done < total:
        raise _Unsuitable(_("the connection was cut after {done} of {total} bytes").format(done=done, total=total))
    if not digest.hexdigest().startswith(remote.sha256):
        raise _Unsuitable(_("its checksum is wrong"))
