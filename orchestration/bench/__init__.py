"""Measurements: ratios of things done side by side in one session. Run: make bench"""
