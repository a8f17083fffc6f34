"""What Slack is told about the app: which permissions it needs, and where its requests go. One table of scopes, each with its reason."""

from typing import Any

from django.conf import settings

SCOPES = {
    "chat:write": "post, update and answer privately",
    "commands": "the slash commands and the shortcut",
    "users:read": "whether somebody is a guest or a bot, before they are linked",
    "channels:history": "replies in threads; whether a card still stands (public channels)",
    "groups:history": "the same in private channels",
    "im:history": "the same in direct messages",
    "im:write": "open a direct message",
    "channels:read": "whether a routed channel is there",
    "groups:read": "the same for private channels",
}
EVENTS = (
    "app_home_opened",
    "app_uninstalled",
    "channel_unarchive",
    "group_unarchive",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "tokens_revoked",
    "user_change",
)
COMMANDS = (
    ("/approvals", "What waits for you; link CODE links your account", "[link CODE]"),
    ("/halt", "Stop agents, or let them go on (operators)", "[everything | agent, version, tool, customer or run, and its name | release]"),
)


def manifest(*, socket: bool | None = None, rotate: bool = False) -> dict[str, Any]:
    """The manifest, in Slack's own words.

    Args:
        socket: Socket Mode; None: as the settings have it.
    """
    socket = bool(settings.SLACK_APP_TOKEN) if socket is None else socket
    site = settings.PUBLIC_URL.rstrip("/")

    def address(path: str) -> dict[str, str]:
        return {} if socket else {"request_url": f"{site}/slack/{path}"}

    commands = [
        {
            "command": name,
            "description": text,
            "usage_hint": hint,
            "should_escape": False,
            **({} if socket else {"url": f"{site}/slack/commands"}),
        }
        for name, text, hint in COMMANDS
    ]
    interactivity = {
        "is_enabled": True,
        **address("interactivity"),
        **({} if socket else {"message_menu_options_url": f"{site}/slack/options"}),
    }
    return {
        "display_information": {"name": "Countersign", "description": "People countersign what AI agents do", "background_color": "#1f2a44"},
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": "Countersign", "always_online": True},
            "shortcuts": [{"name": "My approvals", "type": "global", "callback_id": "my_approvals", "description": "What waits for you"}],
            "slash_commands": commands,
        },
        "oauth_config": {"redirect_urls": [f"{site}/slack/oauth"], "scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": {**address("events"), "bot_events": list(EVENTS)},
            "interactivity": interactivity,
            "org_deploy_enabled": False, "socket_mode_enabled": socket, "token_rotation_enabled": rotate,
        },
    }  # fmt: skip
