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
from discern.files import replacing
from discern.i18n import _
from discern.progress import Progress, silent

MOST_BYTES = 4 << 30
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Remote:
    """A file elsewhere.

    Attributes
    ----------
    name : str
        File name to keep it under.
    sha256 : str
        Checksum, in hexadecimal; or its first digits, where the publisher gives no more.
    urls : tuple of str
        Where it is, the best place first.
    """

    name: str
    sha256: str
    urls: tuple[str, ...]


class _Unsuitable(Exception):
    """What arrived is not the file; the message says why."""


def download(remote: Remote, folder: Path, progress: Progress = silent, timeout: float = 30) -> Path:
    """Bring a file into ``folder``, unless it is there.

    Parameters
    ----------
    remote : Remote
        What and whence.
    folder : Path
        Made if need be.
    progress : Progress
        Told of the bytes; a total of 0 means that the server does not say.
    timeout : float
        Seconds without a byte after which a mirror is given up.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DownloadError
        When no mirror has the right file.
    DiskError
        When the disk is full or the folder may not be written.
    """
    target = folder / remote.name
    if target.exists():
        return target
    reasons = []
    for url in remote.urls:
        try:
            with replacing(target) as temporary:
                _fetch(url, remote, temporary, progress, timeout)
            return target
        except (OSError, ValueError, http.client.HTTPException, _Unsuitable) as error:  # ValueError: no URL
            reasons.append(str(getattr(error, "reason", "") or error or type(error).__name__))
    reason = "; ".join(dict.fromkeys(reasons))
    raise DownloadError(
        _("{name} could not be downloaded ({reason}): check the network and try again.").format(
            name=remote.name, reason=reason
        ),
        reason,
    )


def linked_checksum(url: str, timeout: float = 10) -> str:
    """The SHA-256 that a hub for large files tells of the file at ``url``, in the header X-Linked-Etag.

    Raises
    ------
    DownloadError
        When it cannot be reached or tells none.
    """
    try:
        _online()
        request = urllib.request.Request(url, headers={"User-Agent": "discern"}, method="HEAD")
        with urllib.request.build_opener(_Stay).open(request, timeout=timeout) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        headers = error.headers
        if not 300 <= error.code < 400:
            raise DownloadError(
                _("{url} could not be reached ({reason}).").format(url=url, reason=error), str(error)
            ) from error
    except (OSError, ValueError, http.client.HTTPException, _Unsuitable) as error:  # ValueError: no URL
        reason = str(getattr(error, "reason", "") or error)
        raise DownloadError(
            _("{url} could not be reached ({reason}).").format(url=url, reason=reason), reason
        ) from error
    checksum = (headers.get("X-Linked-Etag") or "").strip('W/"')
    if not re.fullmatch(r"[0-9a-f]{64}", checksum):
        reason = _("the hub tells no checksum")
        raise DownloadError(_("{url} could not be checked: {reason}.").format(url=url, reason=reason), reason)
    return checksum


class _Stay(urllib.request.HTTPRedirectHandler):
    """Does not go where a redirection points: the header wanted is on the redirection itself."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def _online() -> None:
    """Refuse to go on the network where ``DISCERN_OFFLINE`` is set."""
    if os.environ.get("DISCERN_OFFLINE"):
        raise _Unsuitable(_("DISCERN_OFFLINE is set"))


def _fetch(url: str, remote: Remote, temporary: Path, progress: Progress, timeout: float) -> None:
    _online()
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "discern"})
    with urllib.request.urlopen(request, timeout=timeout) as answer, temporary.open("wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while block := answer.read(_BLOCK):
            file.write(block)
            digest.update(block)
            done += len(block)
            progress(_("downloading {name}").format(name=remote.name), done, total)
            if done > MOST_BYTES:
                raise _Unsuitable(_("it is larger than it can be"))
    if done < total:
        raise _Unsuitable(_("the connection was cut after {done} of {total} bytes").format(done=done, total=total))
    if not digest.hexdigest().startswith(remote.sha256):
        raise _Unsuitable(_("its checksum is wrong"))
