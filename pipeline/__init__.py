"""Rushes: a declarative batch pipeline runner for AI video.

    text -> Recipe -> Plan -> events -> rows -> document

One fall, no way up: each noun is made in one place, never changed afterwards, and imports run one way.

    cli         the door: reads argv, prints, exits
    api         the house in a few calls; session (one run), desk (one recipe against its workspace), config
    report      the shop window: plan and events in, documents out
    engine      the workshop: plan in, events out
    plan        the drawing board: recipe in, plan out
    recipe      the reading room: text in, recipe out
    steps       what can be done: one class a step kind
    providers   who can do it: a page each, pure translation
    media       the darkroom: path in, path out
    store       the cellar: bytes by digest, events by run
    errors events money digest      the vocabulary

From code: `from pipeline import api`, then `api.check(path)`, `api.plan(path)`, `api.run(path)`, `api.verify(path)`.
"""

__version__ = "0.1.0"
