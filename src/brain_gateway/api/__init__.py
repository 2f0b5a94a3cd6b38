"""Thin faces: parse, call a use case, render."""
