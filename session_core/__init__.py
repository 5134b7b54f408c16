"""The session core: what an application embeds to know, and to tell, why its rooms reconnect and end."""
