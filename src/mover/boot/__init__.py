"""Reads the environment once, wires the objects together, and runs them."""
