"""The service: HTTP in front of the one path, jobs that survive the process, tenants, webhooks and a page.

In: requests. Out: evaluations, kept only where that was asked for. Needs the extra ``service``; nothing below loads it.
"""
