"""The page for candidates and coaches: server-rendered, with one style sheet and one script of our own.

Every flow works by keyboard, and but for the timer without the script. Whatever was said, named or written by people is
escaped; nothing is asked of another host.
"""
