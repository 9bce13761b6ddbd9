"""The reading room: text in, `Recipe` out; the only wing that knows YAML and JSON schemas, and it plans nothing.

source    bytes -> plain values, each with its place       yaml12 builds them, syntax explains what is no YAML
texts     all files a recipe is made of, by ways into each include makes one of what they say
schema    the grammar, from the catalogs                   gate says yes quickly, explain says why not, shape goes on
template  text with {{ … }} -> a value                     evaluate and functions work it out, within allowance
library   templates in files                               borrow is how others include them, and macros
setting   what shots have in common                        scenes are settings with a name and a chain
expand    one entry of `shots` -> its rows, rendered       rows and tables unfold it, prose reads prompts, ids name it
stages    what is laid over every clip                     picks are the takes to go on with, picks_text writes them
layers    who said each field of a shot, and over whom
mention   how a prompt carries the names of its references, for each service to say in its own manner
options   what is said to one provider alone
inputs    a text -> a file, a URL, a reference or a shot   files looks at what lies in the folder
build     a rendered entry -> a `Shot`                     cut does the film and the budget
load      all of it in order: read, check shape, expand, check shots, build
"""
