"""The reading room: text in, `Recipe` out; the only wing that knows YAML and JSON schemas, and it plans nothing.

source    bytes -> plain values, each with its place       yaml12 builds them, syntax explains what is no YAML
schema    the grammar, from the catalogs                   gate says yes quickly, explain says why not
template  text with {{ … }} -> a value                     evaluate and functions work it out, within allowance
expand    one entry of `shots` -> its rows, rendered
mention   how a prompt carries the names of its references, for each service to say in its own manner
options   what is said to one provider alone
inputs    a text -> a file, a URL, a reference or a shot   files looks at what lies in the folder
build     a rendered entry -> a `Shot`                     cut does the film and the budget
load      all of it in order: read, check shape, expand, check shots, build
"""
