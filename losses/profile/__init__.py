"""``make profile``: the losses timed on a GPU beside their peers, as a record and a page.

machine → what is there; ceilings → what it can do; operations × variants → what is timed; clocks,
measuring → how; record → what is kept; page, tables, figures → what is shown. A record is written
on a GPU; pages are made from it anywhere.
"""
