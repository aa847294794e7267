"""Pictures of any kind made into pictures that are safe to store and to show.

`process` is what others use. It starts `worker` as a process, which has few rights (`confinement`) and decodes the file
(`formats`, `stills`, `animations`, `pages`, `colours`) and writes what was made (`output`). Nothing here knows Django.
"""
