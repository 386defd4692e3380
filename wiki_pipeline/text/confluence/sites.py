"""What pages embed from well-known sites: an address alone does not say whether it is a film or a map."""

from __future__ import annotations

from urllib.parse import urlsplit

_SITES = {
    "Dailymotion video": "dailymotion.com dai.ly",
    "Figma design": "figma.com",
    "Google Drive file": "drive.google.com",
    "Google document": "docs.google.com",
    "Google map": "maps.google.com",
    "Loom video": "loom.com",
    "Lucidchart diagram": "lucid.app lucidchart.com",
    "Microsoft Stream video": "web.microsoftstream.com",
    "Miro board": "miro.com",
    "SlideShare slides": "slideshare.net",
    "SoundCloud recording": "soundcloud.com",
    "Spotify recording": "open.spotify.com",
    "Trello board": "trello.com",
    "Vimeo video": "vimeo.com",
    "Wistia video": "wistia.com wistia.net",
    "YouTube video": "youtube.com youtube-nocookie.com youtu.be",
}
_BY_HOST = {host: name for name, hosts in _SITES.items() for host in hosts.split()}


def site_name(address: str) -> str:
    """What stands at an address, as `YouTube video`; empty if the site is not known."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    while host and host not in _BY_HOST:
        host = host.partition(".")[2]
    return _BY_HOST.get(host, "")
