"""Valkey or Redis: limits and breakers that processes share. Scripts touch the keys of one hash slot each."""
