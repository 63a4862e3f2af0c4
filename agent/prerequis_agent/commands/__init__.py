"""One file per subcommand, found by walking this package.

Each has `HELP` (one French line), `add_arguments(parser)` and `run(options) -> ExitCode`; heavy modules are loaded
inside `run`, since every command is loaded to write the help.
"""
