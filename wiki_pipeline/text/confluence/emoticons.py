"""Confluence's emoticons as Unicode characters, by `ac:name` and by the short names of its emoji picker."""

from __future__ import annotations

EMOTICONS: dict[str, str] = {
    # The emoticons of the storage format's documentation.
    "smile": "🙂", "sad": "🙁", "cheeky": "😛", "laugh": "😀", "wink": "😉", "thumbs-up": "👍", "thumbs-down": "👎",
    "information": "ℹ️", "tick": "✅", "cross": "❌", "warning": "⚠️", "plus": "➕", "minus": "➖", "question": "❓",
    "light-on": "💡", "light-off": "🔌", "yellow-star": "⭐", "red-star": "🔴", "green-star": "🟢", "blue-star": "🔵",
    "heart": "❤️", "broken-heart": "💔",
    # Atlassian's own emoji, which come without a character.
    "check_mark": "✅", "cross_mark": "❌", "info": "ℹ️", "question_mark": "❓", "exclamation": "❗",
    "note": "📝",
    "blue_star": "⭐", "atlassian-check_mark": "✅", "atlassian-cross_mark": "❌", "atlassian-info": "ℹ️",
    "atlassian-question_mark": "❓", "atlassian-warning": "⚠️", "atlassian-plus": "➕", "atlassian-minus": "➖",
    "atlassian-note": "📝", "atlassian-light_bulb_on": "💡", "atlassian-light_bulb_off": "🔌",
    "atlassian-yellow_star": "⭐", "atlassian-red_star": "🔴", "atlassian-green_star": "🟢",
    "atlassian-blue_star": "🔵",
    # Short names that people type most.
    "slight_smile": "🙂", "slightly_smiling_face": "🙂", "smiley": "😃", "grinning": "😀", "joy": "😂", "blush": "😊",
    "thumbsup": "👍", "thumbsdown": "👎", "+1": "👍", "-1": "👎", "tada": "🎉", "rocket": "🚀", "fire": "🔥",
    "eyes": "👀", "bulb": "💡", "white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌", "star": "⭐",
    "clap": "👏", "pray": "🙏", "wave": "👋", "thinking": "🤔", "information_source": "ℹ️", "pencil": "📝",
    "calendar": "📆", "calendar_spiral": "🗓️", "busts_in_silhouette": "👥", "goal": "🥅", "speaking_head": "🗣️",
}  # fmt: skip
