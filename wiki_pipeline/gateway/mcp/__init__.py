"""MCP: what agents may ask. One server, at `/mcp` over HTTP and on stdio by `wiki-pipeline mcp`.

`tools` is what can be called and `resources` what can be read; neither knows the protocol. `server` speaks it, by the
official SDK; `endpoint` has it at an address of the gateway.
"""
