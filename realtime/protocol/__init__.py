"""The protocol between clients and the server. Pure: no Django, no socket."""
