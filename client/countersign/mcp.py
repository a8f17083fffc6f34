"""An MCP server that asks people: `request_approval`, `get_approval`, `list_my_pending`. There is deliberately no tool that decides.

`countersign mcp` speaks over stdio with the key in COUNTERSIGN_KEY; `--http HOST:PORT` speaks streamable HTTP, and each caller brings a key of
their own as `Authorization: Bearer cs_agent_…`. Needs the extra `countersign[mcp]`.
"""
